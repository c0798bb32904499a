#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside the guest: the Python binding loads objects from nginx over device memory; sums are compared. python_loader.sh [udmabuf|dmvram]
set -u
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=/dev/null # another file of this folder
. "$here/http_lib.sh"

/usr/bin/python3 -c 'import numpy' || { echo 'numpy is missing: apt-get install python3-numpy'; exit 77; }
objects=$(mktemp -d /tmp/objects.XXXXXX)
make_objects "$objects" 3000000 20000000 && serve_nginx host1 "$objects" 8080 || exit 1

export PYTHONDONTWRITEBYTECODE=1 DEVMEM_LIBRARY_PATH=$DEVMEM_BUILD/lib PYTHONPATH=$here/../../python
on host0 /usr/bin/python3 "$here/python_loader.py" "${1:-udmabuf}" "$objects/sums" "$(origin_of host1 8080)" || exit 1

[ "$(on host0 ethtool -n dm0 | grep -c '^Filter:')" = 0 ] || { echo 'python_loader: a rule was left'; exit 1; }
