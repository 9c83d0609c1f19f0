#!/bin/sh
# Installs what package-lock.json pins; arguments go to npm (--omit=dev). No package's install script is run: none is
# needed, and some would build native code on a machine that has no compiler.
# The pinned Node.js 26 needs libatomic, which a slim Linux lacks; there an older Node.js that does without takes its
# place, since `make run` and `make test` ask for nothing but git, make and Node.js.
set -eu
cd "$(dirname "$0")/.."
older=24.21.0

npm install --no-save --ignore-scripts --loglevel=error "$@"
rm -rf node_modules/.older-node
for node in node_modules/node-*/bin/node; do
  [ -x "$node" ] || continue
  "$node" -e 0 2>/dev/null && continue
  package=$(basename "$(dirname "$(dirname "$node")")")
  echo "gokube: $package does not start on this machine ($("$node" -e 0 2>&1 | head -n 1)); taking version $older instead"
  mkdir -p node_modules/.older-node
  echo '{ "private": true }' >node_modules/.older-node/package.json
  (cd node_modules/.older-node && npm install --no-save --no-package-lock --ignore-scripts --loglevel=error "$package@$older")
done
