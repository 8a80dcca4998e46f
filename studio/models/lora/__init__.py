"""LoRAs and their kin, for every family of models: `source` reads files and what they say of their strength, `parts`
their keys, `names` which layer is meant, `change` what each kind makes of a layer, `live` plays that at a weight."""
