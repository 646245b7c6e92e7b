#!/bin/sh
# Inside the container: fetch the models once, then be one of the services.
#   kg-serve web | worker | api
set -eu
case ${1-} in
    web | worker | api) ;;
    *) echo 'kgplatform: say which service this is: web, worker or api' >&2; exit 2 ;;
esac
python -m kgplatform.lm.weights || echo 'kgplatform: what needs these models does not work; restart the container to try again' >&2
case $1 in
    worker) exec kg worker ;;
    api) exec kg api --host 0.0.0.0 --port 8600 ;;
esac
socat "TCP-LISTEN:8501,bind=$(hostname -i | cut -d' ' -f1),fork,reuseaddr" TCP:127.0.0.1:8501 &
exec kg app --port 8501
