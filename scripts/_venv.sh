# Sourced by the other scripts: `ensure_venv worker dev` sees to it that .venv holds mofsim with these extras.
# Says nothing on stdout, which belongs to the program that is started afterwards.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
log=$venv/install.log
# There while pip runs, so left behind by an installation that was killed.
unfinished=$venv/.mofsim-installing

ensure_venv() {
    _is_current "$@" && return
    # Two scripts at a time take turns; the lock ends with the descriptor.
    exec 9<"$root/pyproject.toml"
    command -v flock >/dev/null && flock 9
    local status=0
    _is_current "$@" || _install "$@" || status=$?
    exec 9<&-
    return $status
}

_is_current() {
    [[ -x $venv/bin/python && ! -e $unfinished ]] || return 1
    local extra wanted
    wanted=$(_fingerprint)
    for extra in core "$@"; do
        [[ -r $venv/.mofsim-$extra && $(<"$venv/.mofsim-$extra") == "$wanted" ]] || return 1
    done
}

# What an installation depends on; pyvenv.cfg names the Python it was made with.
_fingerprint() {
    cat "$root/pyproject.toml" "$root/constraints.txt" "$venv/pyvenv.cfg" 2>/dev/null | cksum
}

_install() {
    local extra extras
    _make_venv || return
    if [[ -e $venv/.mofsim-core ]]; then
        echo "mofsim: bringing $venv up to date (log: $log) …" >&2
    else
        echo "mofsim: installing into $venv (1.5 GB or more, once; log: $log) …" >&2
    fi
    extras=$(IFS=,; echo "$*")
    : >"$unfinished"
    # fd 9 is the lock: a build that outlives us must not keep it.
    if ! (cd "$root" && "$venv/bin/python" -m pip install --no-input --disable-pip-version-check \
        -c constraints.txt -e ".${extras:+[$extras]}") >"$log" 2>&1 9<&-; then
        _is_half || rm -f "$unfinished"
        tail -n 25 "$log" >&2
        echo "mofsim: the installation failed; the whole log is $log" >&2
        return 1
    fi
    for extra in core "$@"; do
        _fingerprint >"$venv/.mofsim-$extra"
    done
    rm -f "$unfinished"
}

_make_venv() {
    if ! _is_half && _is_usable "$venv/bin/python" pip; then return; fi
    local python
    python=$(_find_python) || return
    "$python" -m venv --clear "$venv" >&2
}

# Packages may be there by half; a download that failed leaves none, since pip unpacks when it has everything.
_is_half() {
    [[ -e $unfinished ]] && grep -qs '^Installing collected packages' "$log"
}

_find_python() {
    local name
    for name in python3.11 python3.12 python3.13 python3 python; do
        if _is_usable "$name" ensurepip; then
            echo "$name"
            return
        fi
    done
    echo "mofsim: needs Python 3.11 or newer with the venv module (on Debian and Ubuntu: apt install python3-venv)" >&2
    return 1
}

_is_usable() {
    "$1" -c "import sys, venv, $2; sys.exit(sys.version_info < (3, 11))" >/dev/null 2>&1
}
