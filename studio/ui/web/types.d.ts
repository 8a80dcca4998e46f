// What the page and the server say to each other, and what the page's modules hand to one another: for the checker
// only (`make page`); the browser never loads it. The server's side: studio/ui.

/** A control as a message: `kind`, and the fields of its class in studio/controls. */
export interface Control {
  kind: string;
  [field: string]: any;
}

/** A kind of control as the server describes it (studio/controls/messages.py, `describe`). */
export interface ControlKind {
  kind: string;
  fields: string[];
  slot_field: string; // "" for a kind with one slot
  clears: string; // the kind whose slots it empties, or ""
  belongs_to?: string; // the kind with whose slot, of the same name, its own is emptied, or ""
  absent: Record<string, unknown>; // the fields that mean: the slot is empty
  timed: boolean;
  undoable: boolean;
  momentary: string[]; // fields that undo does not send again
  initial: Control | null;
  widgets: WidgetDescription[];
}

export interface WidgetDescription {
  type: string;
  field: string;
  label: string;
  minimum: number; // of a slider, as the step
  maximum: number;
  step: number;
  [option: string]: any; // choices and the like (studio/controls/widgets.py)
}

/** [t in frames after the stroke took effect, x, y in 0..1 of the picture]. */
export type Point = [number, number, number];
export type Position = [number, number];
export type Mode = 'drag' | 'pin' | 'path';

/** A stroke in force. `since`: the frame it took effect at, null until the server has said so. */
export interface Stroke extends Control {
  id: string;
  label: string;
  points: Point[];
  mode: Mode;
  size: number;
  loop: boolean;
  ping_pong?: boolean;
  delay?: number; // frames
  begun?: number | null; // frames gone by when it takes effect; null: as many as the one in its place has
  pressure?: number[];
  grab?: number[]; // [frame seen, x, y]
  lead?: number[]; // [frames, dx, dy]
  stiffness?: number;
  since: number | null;
  revision?: number | null;
}

/** A point as a hand paints it, with how hard its pen is pressed. */
export type PaintedPoint = [number, number, number, number];

/**
 * A stroke while a hand paints it. `held`: that it took hold of; `from`: where the hand went down; `offset`: of the
 * subject from the hand; `changed`: has the hand moved since it was last sent?
 */
export interface PaintedStroke {
  pointer: number;
  id: string;
  label: string;
  mode: Mode;
  size: number;
  began: number; // ms
  gesture: string;
  points: PaintedPoint[];
  held?: Stroke;
  grab?: number[];
  taken?: 'asked' | 'held'; // of the picture itself: asked for, or cut out (grabs.js)
  from: Position;
  offset: Position;
  moved: boolean;
  changed: boolean;
}

export interface BrushSettings {
  label: string;
  mode: Mode | 'select'; // what a hand does that changes what is painted
  size: number;
}

/** One step back: the messages that undo it, those that do it again, and when it was. */
export interface Step {
  undo: (Control | null)[];
  redo: Control[];
  sent?: Control[]; // of one gesture, those that were not refused
  gesture?: string | number | null;
  at?: number;
}

export type Controls = import('./controls.js').Controls;

export interface Frame {
  sequence: number;
  index: number;
  revision: number;
  tick: number;
  age: number;
  made: number; // ms since 1970 on the server's clock
  arrived: number; // ms on this page's
  jpeg?: Blob; // or
  h264?: { key: boolean; data: Uint8Array<ArrayBuffer> }; // a key picture, or one that needs those before it
}

/** A control that this page sent; at: ms, of the hand's event that it came of. */
export interface SentControl {
  control: Control;
  at: number;
  revision: number;
}

export interface Message {
  type: string;
  [field: string]: any;
}

/** How a model plays strokes, and the line that says what differs (studio/models/base.py, `STROKES`). */
export interface StrokeWay {
  by: '' | 'tracks' | 'cutouts' | 'underpainting';
  words: string;
}

/** What a page is told when it is let in, and again when another model plays. */
export interface Hello {
  size: [number, number]; // width, height
  model: string;
  choice: boolean;
  labels: string[];
  loras: string[];
  plays: string[];
  refuses: Record<string, string>;
  strokes: StrokeWay;
  late: number; // pictures from one that comes in to the one that shows it, of a video model that redraws them
  recording: boolean;
  takes: Take[];
  state: any;
  controls: any[];
}

export interface Status {
  fps?: number;
  frame?: number;
  paused: boolean;
  recording: boolean;
  tick_ms?: number;
  round_trip_ms?: number;
  draw_ms?: number;
  decode_ms?: number;
  pack_ms?: number;
  shortest_ms?: number;
  kbits?: number;
  skip_rate?: number;
  problem?: string | null;
  error?: string | null;
}

/** A recorded take; `score` and `video` are the secrets of their downloads. `unfinished`: it was cut off. */
export interface Take {
  name: string;
  frames: number;
  fps: number;
  score?: string | null;
  video?: string | null;
  problem?: string | null;
  unfinished?: boolean;
  parent?: string;
  note?: string;
}

/** A take as the editor shows it (studio/ui/protocol.py, `TakeOpened`). */
export interface OpenedTake {
  take: string;
  start: number;
  frames: number;
  fps: number;
  gestures: Gesture[];
  notes: string[];
  versions: string[];
  edits: number;
  sizes: boolean;
  steps: number;
}

/** Events of one slot that belong together (studio/score/edit_list.py). `values`: of the first of them. */
export interface Gesture {
  kind: string;
  slot: string;
  events: number[];
  first: number;
  last: number;
  words: string;
  values: Record<string, any>;
  opening: boolean;
}

/** An edit: its name in studio/score/edit_list.py, and its arguments. */
export interface TakeEdit {
  edit: string;
  [argument: string]: any;
}

/** A take that is shown in the place of the live picture; `frames` is 0 where none is. */
export interface Preview {
  take: string;
  start: number;
  frames: number;
}

export interface RenderProgress {
  take: string;
  stage: 'load' | 'render' | 'done' | 'failed' | 'cancelled';
  done: number;
  total: number;
  seconds: number;
  what: string;
  name: string;
  video: string;
}

/** A prompt that came in. `style`: recache, keep, cut, or blend over so many frames (studio/session/history.py). */
export type Change = [frame: number, words: string, style?: string, frames?: number];

/** A prompt at hand, and a small picture of what it gave (a data URL, or ""). */
export interface Slot {
  text: string;
  negative?: string;
  mix?: [text: string, weight: number][];
  picture: string;
  [field: string]: any;
}

/** What can be gone back to. `fork`: the frame at which a branch parts; `frame`: the one it goes on with. */
export interface Moments {
  start: number | null;
  prompts: Change[];
  branches: { id: number; name: string; fork: number; frame: number; words: string; picture: string }[];
  bookmarks: { name: string; title: string; frame: number; model: string; words: string; picture: string }[];
  reason: string;
}

export interface ModelOffer {
  name: string;
  what: string;
  licence: string;
  download_bytes: number;
  memory_bytes: number;
  here: boolean;
  fits: boolean;
  slow: boolean;
  reason: string;
  expect: string;
}

export interface ModelProgress {
  name: string;
  stage: string;
  done: number;
  total: number;
  what: string;
}

export type LinkState = 'live' | 'lost' | 'waiting' | 'superseded';
export type Deliver = (message: Message | Uint8Array<ArrayBuffer>) => unknown;
export type ToastKind = 'notice' | 'error' | 'news';
export type ShowToast = (text: string, kind?: ToastKind) => void;
export type Send = (message: Message | Uint8Array<ArrayBuffer>) => boolean;

/** What lets a page in: a ticket for one link, or why it must wait. */
export interface Admission {
  seat?: string;
  ticket?: string;
  waiting?: string;
  gone?: string;
}

/** What the link uses of the browser; tests bring their own. */
export interface Browser {
  WebSocket: typeof WebSocket;
  fetch: typeof fetch;
  now(): number;
  setTimeout(call: () => void, ms: number): any;
  clearTimeout(timer: any): void;
}

/** The end of a link that its transport talks to. */
export interface Line {
  opened(deliver: Deliver, transport: 'socket' | 'pull'): void;
  frame(frame: Frame): void;
  message(message: Message): void;
  superseded(words: string): void;
  readonly ended: boolean;
}

/** What a feature of the page does (features.js): each part only where it has something to do. */
export interface Feature {
  actions?: Record<string, (event: Event) => void>; // of buttons (`data-do`) and keys (keys.js), by name
  messages?: Record<string, (message: any) => void>; // of the server, by type; after what the page itself does with them
  frame?(frame: Frame, shown: SentControl[]): void; // a picture is on the canvas; shown: the controls it is the first to show
  draw?(now: number): void; // once a screen refresh
  measure?(): void; // a few times a second
  changed?(control: Control | null): void; // a control was set here, or (null) all of them by the server
}

/** Gradio's component, as canvas.py hands it over. */
export interface GradioComponent {
  element: HTMLElement;
  root: string;
  ask(data: { seat: string | null }): void;
  watch(name: string, changed: () => void): void;
  value(): Admission | null;
  tell(): void;
}

declare global {
  interface Window {
    studio: any; // the page's parts, and what the panel's components call (main.js)
  }
}
