#!/bin/sh
# Print the first Python that is new enough, the usual one first; else say what to do.
set -u
for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
    path=$(command -v "$name" 2>/dev/null) || continue
    if "$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        printf '%s\n' "$path"
        exit 0
    fi
done
found=$(python3 --version 2>/dev/null || echo 'no Python')
echo "Cannot start: Python 3.11 or newer is needed and $found was found:" \
    "install it, or name one with PYTHON=/path/to/python3 make run." >&2
exit 1
