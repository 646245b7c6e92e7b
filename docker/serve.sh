#!/bin/sh
# Inside the container: fetch the models once, then be one of the services.
#   kg-serve web | worker
set -eu
case ${1-} in
    web | worker) ;;
    *) echo 'kgplatform: say which service this is: web or worker' >&2; exit 2 ;;
esac
python -m kgplatform.lm.weights || echo 'kgplatform: what needs these models does not work; restart the container to try again' >&2
if [ "$1" = worker ]; then exec kg worker; fi
socat "TCP-LISTEN:8501,bind=$(hostname -i | cut -d' ' -f1),fork,reuseaddr" TCP:127.0.0.1:8501 &
exec kg app --port 8501
