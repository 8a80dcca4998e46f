// Which model is played: the list to choose from, and the one on its way while the present one plays on.

const UNDER_WAY = { waiting: 'waiting for its turn', download: 'downloading', load: 'loading' };

export class Models {
  /** box holds the dialog and the progress; command(name, more) goes to the server; toast(text, kind) is a notice. */
  constructor({ box, command, toast }) {
    Object.assign(this, { box, command, toast, coming: null });
    this.find = (selector) => box.querySelector(selector);
  }

  /** The model that is played, and whether there is another. */
  played(name, choice) {
    this.find('.st-model').hidden = !choice;
    this.find('[data-hud="model"]').textContent = name;
    this.find('.st-loading').hidden = true;
    if (this.find('.st-models').open) this.command('models');
  }

  open() {
    this.command('models');
    this.find('.st-models').showModal();
  }

  close() {
    this.find('.st-models').close();
  }

  offered({ items, playing }) {
    this.find('.st-models-list').replaceChildren(...items.map((item) => this.row(item, item.name === playing)));
  }

  row({ name, what, licence, download_bytes: download, memory_bytes: memory, here, fits, slow, reason }, playing) {
    const facts = [licence, here ? 'here' : download && `${size(download)} to download`, memory && `${size(memory)} of memory`];
    const row = element('div', `st-offer${fits ? '' : ' unfit'}`);
    const words = element('div');
    words.append(element('b', '', name), element('p', '', what), element('small', '', facts.filter(Boolean).join(' · ')));
    if (reason && (slow || !fits)) words.append(element('small', 'why', reason));
    const play = element('button', '', playing ? 'Playing' : here ? 'Play' : 'Download and play');
    play.disabled = playing || !fits;
    play.setAttribute('aria-label', `${play.textContent} ${name}`);
    play.onclick = () => { this.close(); this.command('load', { model: name }); };
    row.role = 'listitem';
    row.append(words, play);
    return row;
  }

  /** How far the model on its way is; the end of it is said once. */
  loading({ name, stage, done, total, what }) {
    const doing = UNDER_WAY[stage];
    const bar = this.find('.st-loading progress');
    this.find('.st-loading').hidden = !doing;
    if (doing) {
      const share = total ? ` · ${Math.floor((100 * done) / total)} % of ${size(total)}` : '';
      this.find('.st-loading span').textContent = `${name}: ${doing}${share}`;
      if (total) bar.value = done / total;
      else bar.removeAttribute('value');
    } else if (stage === 'ready') {
      this.toast(`${name} plays now. ${what}`.trim());
    } else {
      this.toast(what, stage === 'failed' ? 'error' : 'notice');
    }
  }
}

function element(tag, className = '', text = '') {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

function size(bytes) {
  return bytes < 1e9 ? `${Math.max(1, Math.round(bytes / 1e6))} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
