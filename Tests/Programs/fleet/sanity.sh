#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What Ansible's own tools say of the collection: ansible-lint, and ansible-test sanity, whose tools come from PyPI.
# ansible-test's bootstrap of pip comes from a site of its own, which not every network leads to; PyPI's wheel stands in.
#
#   sanity.sh [TEST…]        of ansible-test sanity; all of them
set -euo pipefail
collection=$(realpath "$(dirname "$0")/../../../fleet/ansible")
work=$(mktemp --directory --tmpdir jailhoused-sanity.XXXXXX)
trap 'rm -rf "$work"' EXIT
export HOME=$work LC_ALL=C.UTF-8 NO_COLOR=1 ANSIBLE_COLLECTIONS_PATH=$work
copy=$work/ansible_collections/jailhoused/jailhoused
mkdir -p "${copy%/*}" "$work/.ansible/test/cache"
cp -r "$collection" "$copy"
cd "$copy"

ansible-lint --nocolor

# it looks at what git has
git init --quiet
git add --all
/usr/bin/python3 -m pip download --quiet --no-deps --dest "$work" pip==21.3.1
cat >"$work/.ansible/test/cache/get_pip_21_3_1.py" <<END
import sys
sys.path.insert(0, "$work/pip-21.3.1-py3-none-any.whl")
from pip._internal.cli.main import main
sys.exit(main(["install", "--upgrade"] + sys.argv[1:]))
END
ansible-test sanity --color no --python "$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')" \
    "${@/#/--test=}" 2>&1 | grep -E '^(Running|ERROR|FATAL|See)'
