# Builds what the comparison and the benchmark run, and makes the virtual environment that has tiktoken.
#
# MILLRACE_TOKENS_PYTHON and MILLRACE_TOKENS_PROBE name ready ones; MILLRACE_TOKENS_VENV is where the environment is kept.
if [ -z "${MILLRACE_TOKENS_PYTHON:-}" ]; then
  venv=${MILLRACE_TOKENS_VENV:-.build/tokens-venv}
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  "$venv/bin/python" -c 'import tiktoken' 2>/dev/null || "$venv/bin/pip" install --quiet 'tiktoken==0.14.0'
  MILLRACE_TOKENS_PYTHON=$PWD/$venv/bin/python
  case $venv in /*) MILLRACE_TOKENS_PYTHON=$venv/bin/python ;; esac
fi
if [ -z "${MILLRACE_TOKENS_PROBE:-}" ]; then
  swift build -c release --product TokenProbe >&2
  MILLRACE_TOKENS_PROBE=$(swift build -c release --show-bin-path)/TokenProbe
fi
export MILLRACE_TOKENS_PYTHON MILLRACE_TOKENS_PROBE
