#!/bin/sh
# The image's entrypoint, which takes what registry:2's does: a config.yml, a command of `registry`, or another program.
# Without arguments it serves the config.yml that was put into one of the two places where the image has one.
set -eu

shipped=/etc/berth/config.yml
if [ $# -eq 0 ]; then
    config=/etc/docker/registry/config.yml
    other=/etc/distribution/config.yml
    if cmp -s "$config" "$shipped" && [ -e "$other" ] && ! cmp -s "$other" "$shipped"; then
        config=$other
    fi
    set -- registry serve "$config"
fi
case "$1" in
*.yaml | *.yml) set -- registry serve "$@" ;;
serve | garbage-collect | help | -*) set -- registry "$@" ;;
esac
exec "$@"
