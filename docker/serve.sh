#!/bin/sh
# Inside the container: fetch the models once, then serve the pages on the port that compose publishes.
set -eu
python -m kgplatform.lm.weights || echo 'kgplatform: what needs these models does not work; restart the container to try again' >&2
socat "TCP-LISTEN:8501,bind=$(hostname -i | cut -d' ' -f1),fork,reuseaddr" TCP:127.0.0.1:8501 &
exec kg app --port 8501
