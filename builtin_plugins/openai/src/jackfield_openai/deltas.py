"""Non-text deltas of Responses and Realtime: audio, and the arguments of calls.

Each event contains the full name of its kind; text within it cannot imitate that, because its
quotes are escaped.
"""

import re
from typing import Final

is_no_text: Final = re.compile(rb'"response\.(?:(?:output_)?audio|\w*call_\w+)\.delta"').search
