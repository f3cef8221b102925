# Sourced by scripts/up and scripts/check; makes .venv/ at the root of the
# repository hold exactly what one lock file names, and the package itself.
# All it says goes to stderr: the stdout of `scripts/up --json` is for programs.

say() { printf '%s\n' "$*" >&2; }

stop() {
    say "$(basename "$0"): $*"
    exit 1
}

# need_debian COMMAND PACKAGE: a missing program is installed, or named; never skipped.
need_debian() {
    command -v "$1" >/dev/null 2>&1 && return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        stop "the program '$1' is missing (Debian package '$2'); install it and run this again"
    fi
    if [ "$(id -u)" -ne 0 ]; then
        stop "the Debian package '$2' is missing; as root: apt-get install $2"
    fi
    say "installing the Debian package $2"
    apt-get update -qq >&2 </dev/null || stop "apt-get update failed; the Debian package '$2' is missing"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" \
        >&2 </dev/null || stop "the Debian package '$2' could not be installed"
    command -v "$1" >/dev/null 2>&1 || stop "'$2' is installed, but the program '$1' is not there"
}

# need_postgresql: the machine's own PostgreSQL, whose programs speak TLS; that of the
# development packages does not. Tests start their own servers, so none is set up here.
need_postgresql() {
    ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 && return 0
    need_debian pg_createcluster postgresql-common
    sed -i 's/^#* *create_main_cluster *=.*/create_main_cluster = false/' \
        /etc/postgresql-common/createcluster.conf
    need_debian /usr/lib/postgresql/15/bin/postgres postgresql-15
}

# Sets PYTHON to an interpreter that is new enough.
find_python() {
    for PYTHON in python3 python3.13 python3.12 python3.11; do
        "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return 0
    done
    stop "Python 3.11 or newer is needed, and neither python3 nor python3.11, 3.12, 3.13 is that"
}

# bootstrap KIND LOCKFILE: KIND names the stamp, so that a second run installs nothing.
bootstrap() {
    # Whatever the caller's shell was set up for, this is about our own environment.
    unset PYTHONPATH PYTHONHOME VIRTUAL_ENV
    find_python
    command -v flock >/dev/null 2>&1 || need_debian flock util-linux

    # Two runs at once would install over each other. The lock is on this very
    # file, so nothing is left behind, and it ends with the process that holds it.
    exec 9<scripts/_bootstrap.sh
    if ! flock -n 9; then
        say "waiting for another run to finish installing"
        flock 9
    fi

    bootstrap_stamp=.venv/.halfdoor-$1
    bootstrap_want=$(cat "$2" pyproject.toml scripts/_bootstrap.sh | sha256sum)
    bootstrap_want="$bootstrap_want $(pwd -P)"
    if ! { [ -f "$bootstrap_stamp" ] && [ "$(cat "$bootstrap_stamp")" = "$bootstrap_want" ] &&
        .venv/bin/python -c 'import halfdoor' 2>/dev/null; }; then
        install_locked "$2"
        printf '%s\n' "$bootstrap_want" >"$bootstrap_stamp"
    fi
    exec 9<&-
}

# Runs pip on our environment. Debian's venv has no pip of its own when ensurepip is
# missing, and Debian's pip refuses to work outside an environment: so one is told of the other.
run_pip() {
    "$PYTHON" -m pip --python .venv/bin/python --disable-pip-version-check --no-input "$@" \
        >&2 </dev/null
}

install_locked() {
    "$PYTHON" -m pip --version >/dev/null 2>&1 || need_pip
    # Its programs name the folder they were made in, so a moved environment is made anew.
    if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        ! grep -qF "$(pwd -P)/.venv" .venv/bin/activate; then
        say "making .venv/"
        "$PYTHON" -m venv --clear --without-pip .venv >&2 ||
            stop "a virtual environment could not be made in .venv/"
    fi
    say "installing $1 into .venv/"
    run_pip install -qq --require-hashes --no-deps -r "$1" ||
        stop "the packages of $1 could not be installed"
    # The build backend came with the lock, so this fetches nothing.
    run_pip install -qq --no-deps --no-build-isolation --no-index --editable . ||
        stop "the package itself could not be installed"
}

need_pip() {
    [ "$PYTHON" = python3 ] || stop "$PYTHON has no pip: install it and run this again"
    say "python3 has no pip"
    need_debian pip3 python3-pip
}
