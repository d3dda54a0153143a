#!/bin/sh
# Run by the image when it makes the database: the registry gets an account and a database of its own.
set -e
PASSWORD=$(sed -n 's/^apicurio\.datasource\.password=//p' /run/secrets/registry.properties)
export PASSWORD
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv password PASSWORD
CREATE ROLE registry LOGIN PASSWORD :'password';
CREATE DATABASE registry OWNER registry;
SQL
