"""python -m studio"""

import sys
from pathlib import Path

# `-m` looks for modules in the folder it is called in first: a person's own torch.py there is not the library.
if Path(sys.path[0]).resolve() == Path.cwd():
    del sys.path[0]

from studio.cli import main

sys.exit(main())
