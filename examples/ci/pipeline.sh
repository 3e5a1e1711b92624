#!/bin/sh
# The steps of a pipeline, as plain shell: call it from whatever runs yours.
#
#   ./pipeline.sh review     on a pull request: formatting, mistakes, tests on a sandbox, and the plan to discuss
#   ./pipeline.sh deploy     on merge: the plan is made, kept, and carried out as it was made
#   ./pipeline.sh watch      every night: who changed what behind the pipeline's back
#
# RAYFORM        the program; default: rayform
# RAYFORM_FLAGS  flags for all that needs a cluster, such as --context=prod or, to try it, --sandbox
set -eu
cd "$(dirname "$0")"
rayform=${RAYFORM:-rayform}
flags=${RAYFORM_FLAGS:-}

review() {
  "$rayform" fmt --check
  "$rayform" validate
  # shellcheck disable=SC2086 # several flags
  "$rayform" plan $flags --no-color | tee plan.txt # post it where the change is discussed
}

deploy() {
  # shellcheck disable=SC2086
  "$rayform" plan $flags --no-color --out=deploy.plan
  # Nobody is there to ask: the saved plan is carried out, or refused where the cluster has changed since (exit 5).
  # shellcheck disable=SC2086
  "$rayform" apply $flags --lock-timeout=10m deploy.plan
}

watch() {
  # Exits with 2 where there is drift, so that the job fails and somebody looks.
  # shellcheck disable=SC2086
  "$rayform" drift $flags --no-color
}

case ${1:-} in
  review | deploy | watch) "$1" ;;
  *) echo "usage: $0 review|deploy|watch" >&2 && exit 1 ;;
esac
