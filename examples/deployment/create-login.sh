#!/bin/sh
# Runs once, when the container of Postgres makes its data folder: the application login, which owns nothing.
set -eu
[ -n "${APP_PASSWORD:-}" ] || exit 0
# psql quotes the value itself: :'password' is a literal, whatever the password holds.
psql --set ON_ERROR_STOP=1 --set password="$APP_PASSWORD" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
create role app login noinherit password :'password';
SQL
