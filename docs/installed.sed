# Links of README.md and configs/README.md as they are where these pages are installed. What is not installed is named.
s,](docs/guide/,](guide/,g
s,](fleet/ansible/,](@PREFIX@/share/jailhoused/ansible/,g
s,](fleet/prometheus/,](@PREFIX@/share/jailhoused/prometheus/,g
s,](configs/,](@PREFIX@/share/jailhoused/examples/,g
s,](../inmates/linux/guest/,](@PREFIX@/lib/jailhoused/guest/,g
s,!\[\([^]]*\)\](\([A-Z][^)]*\)),(\1: \2 of the sources),g
s,\[\([^]]*\)\](SECURITY\.md),<\1>,g
s,\[`\([^]]*\)`\](\1),`\1` of the sources,g
s,\[\([^]]*\)\](\([A-Z][^)]*\)),\1 (\2 of the sources),g
s,<\(`*SECURITY\.md`*\)>,[\1](SECURITY.md),g
