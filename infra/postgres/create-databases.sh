#!/bin/sh
# Run once by the container's entrypoint, on an empty data directory: a database for each service, to which only its
# owner may connect. psql itself reads the passwords, so that no command line ever holds one.
set -eu
for name in orders inventory payment; do
  psql -q -v ON_ERROR_STOP=1 -v name="$name" -U postgres -d postgres <<SQL
\set password \`cat /run/secrets/$name\`
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
