#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What fleet.sh shows, in namespaces that it has made: this is the machine that looks after the others.
#
#   control.sh MACHINES PACKAGES DIRECTORY GROUP      DIRECTORY is empty; GROUP is the control group to be in
set -euo pipefail
here=$(realpath "$(dirname "$0")")
source=$(realpath "$here/../../..")
network=198.51.100 # RFC 5737: nobody's
prometheus_address=http://$network.1:9090
machines=$1 packages=$2 work=$3
echo 0 >"$4/cgroup.procs"

say() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }
bold='' dim='' plain=''
if [[ -t 1 ]]; then bold=$'\e[1m' dim=$'\e[36m' plain=$'\e[0m' && export ANSIBLE_FORCE_COLOR=1; fi

boards=()
for ((number = 1; number <= machines; number++)); do boards+=("board-$number"); done
all=$(IFS=, && echo "${boards[*]}")

show() {
    local word
    printf '%s$' "$dim"
    for word; do
        if [[ $word =~ ^[A-Za-z0-9_./:=,@-]+$ ]]; then printf ' %s' "$word"; else printf " '%s'" "$word"; fi
    done
    printf '%s\n' "$plain"
}
# Runs a command, shown as it is typed, and keeps its output for `expect`.
run() {
    show "$@"
    local status=0
    "$@" 2>&1 | tee "$work/output" || status=${PIPESTATUS[0]}
    # what is looked for has no colours in it
    sed -i 's/\x1b\[[0-9;]*m//g' "$work/output"
    return "$status"
}
expect() {
    grep -Eq -e "$1" "$work/output" || { echo "expected to see: $1" >&2 && exit 1; }
}
expect_not() {
    ! grep -Eq -e "$1" "$work/output" || { echo "expected not to see: $1" >&2 && exit 1; }
}
# A command until its output has the pattern; only the last time is shown.
run_until() {
    local pattern=$1 end=$((SECONDS + 30))
    shift
    until "$@" >"$work/output" 2>&1 && grep -Eq -e "$pattern" "$work/output"; do
        ((SECONDS < end)) || { cat "$work/output" && echo "expected to see: $pattern" >&2 && exit 1; }
        sleep 0.2
    done
    show "$@"
    cat "$work/output"
}

ended() {
    local status=$?
    trap - EXIT
    if ((status != 0)); then tail -n 20 "$work"/board-*/console "$work"/board-*.errors "$work/prometheus.log" >&2 || true; fi
    # the machines power off when what holds them is gone
    kill "$holder" "${prometheus:-$holder}" || true
    local pid
    for pid in "${containers[@]}"; do wait "$pid" || true; done
    exit "$status"
}
containers=()
mkfifo "$work/hold"
sleep infinity <>"$work/hold" &
holder=$!
trap ended EXIT

say "$machines machines, in a network of their own, with nothing but Debian"
readlink /proc/self/ns/net >"$work/networks"
ip link set lo up
ip link add fleet type bridge
ip address add $network.1/24 dev fleet
ip link set fleet up
export HOME=$work
ssh-keygen -q -t ed25519 -N '' -C fleet -f "$work/key"
cp /etc/hosts "$work/hosts"
{
    echo "[boards]"
    for ((number = 1; number <= machines; number++)); do
        board=board-$number address=$network.$((10 + number)) files=$work/board-$number.files
        cp -r "$here/board" "$files"
        [[ ! -d $work/extra ]] || cp -r "$work/extra/." "$files/"
        mkdir -p "$files/etc/systemd/network"
        echo "$board" >"$files/etc/hostname"
        printf '[Match]\nName=host0\n[Network]\nAddress=%s/24\n' "$address" >"$files/etc/systemd/network/10-host0.network"
        cp "$work/key.pub" "$files/etc/board-authorized"
        ssh-keygen -q -t ed25519 -N '' -C "$board" -f "$files/etc/board-key"
        echo "$board,$address $(<"$files/etc/board-key.pub")" >>"$work/known_hosts"
        echo "$address $board" >>"$work/hosts"
        echo "$board ansible_host=$address"
        mkdir "$work/$board"
        JAILHOUSED_CONTAINER_NAME=$board JAILHOUSED_CONTAINER_BRIDGE=fleet JAILHOUSED_CONTAINER_FILES=$files \
            "$source/Tests/Integration/container.sh" "$work/$board" / "$packages" \
            <"$work/hold" >"$work/$board.ready" 2>"$work/$board.errors" &
        containers+=($!)
    done
    cat <<END
[boards:vars]
ansible_user=root
ansible_python_interpreter=/usr/bin/python3
jailhouse_image_path=/usr/local/lib/jailhouse/rtems.exe
END
} >"$work/inventory"
mount --bind "$work/hosts" /etc/hosts
mkdir -m 0700 "$work/.ssh"
cat >"$work/ssh_config" <<END
User root
IdentityFile $work/key
UserKnownHostsFile $work/known_hosts
StrictHostKeyChecking yes
ControlMaster auto
ControlPath $work/.ssh/%C
ControlPersist 60
END
export ANSIBLE_HOME=$work/ansible ANSIBLE_COLLECTIONS_PATH=$work/collections ANSIBLE_SSH_ARGS="-F $work/ssh_config" \
    ANSIBLE_PIPELINING=1 ANSIBLE_FORKS=$machines ANSIBLE_DISPLAY_SKIPPED_HOSTS=0 LC_ALL=C.UTF-8
printf '#!/bin/sh\nexec ssh -F "%s/ssh_config" "$@"\n' "$work" >"$work/ssh"
chmod +x "$work/ssh"
export JAILHOUSE_SSH=$work/ssh

sed 's|^path = .*|path = "/usr/local/lib/jailhouse/rtems.exe"|' "$source/configs/cells/rtems.toml" >"$work/rtems.toml"
cp "$source/inmates/build/rtems.exe" "$work/rtems-1.exe"
sed 's/entered as a cell/this is version 2/' "$work/rtems-1.exe" >"$work/rtems-2.exe"
python3 "$here/bad_image.py" "$work/rtems-2.exe" "$work/rtems-3.exe"
dpkg-deb --extract "$packages"/jailhoused_*.deb "$work/tools"
export PATH=$work/tools/usr/bin:$PATH
(cd "$work" && ansible-galaxy collection build --output-path "$work" "$source/fleet/ansible" &&
    ansible-galaxy collection install --offline "$work"/jailhoused-jailhoused-*.tar.gz) >"$work/galaxy.log" 2>&1
# one that needs another comes first: they are installed together
debs=("$packages"/jailhoused-exporter_*.deb "$packages"/jailhoused_*.deb "$packages"/jailhouse-sim_*.deb)
printf '{"jailhoused_packages": ["%s", "%s", "%s"], "work": "%s", "examples": "%s/configs"}' "${debs[@]}" "$work" \
    "$source" >"$work/vars.json"

for board in "${boards[@]}"; do
    until grep -q ready "$work/$board.ready" && "$work/ssh" "$board" readlink /proc/self/ns/net 2>/dev/null >>"$work/networks"; do
        kill -0 "${containers[${board#board-} - 1]}" && ((SECONDS < 60)) || exit 1
        sleep 0.1
    done
    # shellcheck disable=SC2016 # there, not here
    "$work/ssh" "$board" 'echo "$HOSTNAME: Debian $(cat /etc/debian_version), systemd is $(systemctl is-system-running)"'
done
cd "$work"

say "Ansible makes each of them a machine with Jailhouse, the supervisor and a cell"
run ansible-playbook -i inventory "$here/site.yml" -e @vars.json
expect_not 'failed=[1-9]'
run jailhouse-ctl --host "$all" list
[[ $(grep -c ' running .* running ' output) -eq $machines ]]

say "Prometheus reads all of them"
cat >prometheus.yml <<END
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: ["$source/fleet/prometheus/jailhouse.rules.yml"]
scrape_configs:
  - job_name: jailhouse
    static_configs: [{ targets: [$(printf '"%s:9842",' "${boards[@]}")] }]
END
prometheus --config.file=prometheus.yml --storage.tsdb.path=metrics --web.listen-address=$network.1:9090 \
    >prometheus.log 2>&1 &
prometheus=$!
run_until "=> $machines " promtool query instant $prometheus_address 'sum(jailhouse_cell_condition{condition="running"})'
run promtool query instant $prometheus_address 'sum by (instance, condition) (jailhouse_cell_condition) > 0'

# Gives an image to all machines, one after the other.
roll_out() {
    run ansible-playbook -i inventory jailhoused.jailhoused.rolling -e jailhouse_cell=rtems \
        -e jailhouse_image="$work/$1" -e jailhouse_healthy_for=2
}
# All machines run this image, and were not restarted since.
all_run() {
    local digest board
    digest=$(sha256sum <"$1")
    for board in "${boards[@]}"; do
        [[ $("$work/ssh" "$board" "sha256sum </usr/local/lib/jailhouse/rtems.exe") == "$digest" ]] ||
            { echo "$board has another image" >&2 && return 1; }
    done
    run jailhouse-ctl --host "$all" list
    [[ $(grep -c ' running .* running ' output) -eq $machines ]]
}

say "A good image goes to one machine after the other"
roll_out rtems-2.exe
expect "board-$machines .*changed=[1-9].*failed=0"
all_run rtems-2.exe

say "A bad one, which writes a port of Linux's: it must not get far"
! roll_out rtems-3.exe || { echo "it was taken for a good one" >&2 && exit 1; }
expect 'are in force again'
expect_not 'board-[2-9]'
all_run rtems-2.exe

say "Why: it is on record where it failed, and only there"
run jailhouse-ctl --host board-1 failures rtems 1
expect 'Invalid PIO write, port: 70'
run_until board-1 promtool query instant $prometheus_address 'sum by (instance, kind) (jailhouse_cell_recorded_failures)'
expect 'violation'
expect_not 'board-[2-9]'
