#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Adds the reference to a copy of the guide: reference.sh MANUALS README GUIDE
set -euo pipefail
manuals=$1 readme=$2 guide=$3

mkdir -p "$guide/reference"
for page in "$manuals"/man[578]/* "$manuals"/man1/jailhouse-{ctl,sim}.1; do
    name=${page##*/}
    {
        printf '# %s(%s)\n\n<div class="manual">\n' "${name%.*}" "${name##*.}"
        # the page has its title already
        mandoc -T html -O fragment "$page" |
            sed -e '/<table class="head">/,/<\/table>/d' -e '/<table class="foot">/,/<\/table>/d' \
                -e 's|\(</\?\)h2|\1h3|g' -e 's|\(</\?\)h1|\1h2|g'
        echo '</div>'
    } >"$guide/reference/$name.md"
done
{
    echo
    sed -n '/^| metric (/,/^$/p' "$readme"
} >>"$guide/reference.md"
grep -q '^| .up. ' "$guide/reference.md"
