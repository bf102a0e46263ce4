"""A PostgreSQL with PostGIS of its own, in a temporary folder, on a Unix socket alone."""

import glob
import io
import json
import os
import pwd
import shutil
import subprocess

# Sensible for a read-only city on a machine of 8 GiB and more.
SETTINGS = {
    "listen_addresses": "''",
    "shared_buffers": "1GB",
    "effective_cache_size": "4GB",
    "work_mem": "256MB",
    "maintenance_work_mem": "512MB",
    "jit": "off",
    "random_page_cost": "1.1",
    "max_parallel_workers_per_gather": "0",
}
TYPES = {"int": "int8", "float": "float8", "bool": "boolean"}


class Database:
    def __init__(self, folder):
        self.bin = max(glob.glob("/usr/lib/postgresql/*/bin"), default=None)
        self.folder = folder
        self.data = os.path.join(folder, "pg")
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.url = f"postgresql:///postgres?host={folder}&user={self.user}"

    def run(self, *command, **kwargs):
        as_user = ["runuser", "-u", self.user, "--"] if os.geteuid() == 0 else []
        return subprocess.run([*as_user, *command], check=True, cwd=self.folder, **kwargs)

    def start(self):
        if not self.bin:
            raise SystemExit("no PostgreSQL at hand (Debian: postgresql-15-postgis-3)")
        os.chmod(self.folder, 0o755)
        if os.geteuid() == 0:
            shutil.chown(self.folder, self.user)
        self.run(f"{self.bin}/initdb", "-D", self.data, "-A", "trust", "-E", "UTF8", stdout=subprocess.DEVNULL)
        options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
        options += f" -c unix_socket_directories={self.folder}"
        self.run(
            f"{self.bin}/pg_ctl", "-D", self.data, "-o", options, "-l", f"{self.folder}/log", "-w", "start",
            stdout=subprocess.DEVNULL,
        )

    def stop(self):
        self.run(f"{self.bin}/pg_ctl", "-D", self.data, "-m", "immediate", "stop", stdout=subprocess.DEVNULL)

    def psql(self, sql, **kwargs):
        command = [f"{self.bin}/psql", "-h", self.folder, "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-qAt", "-c"]
        # One statement a call where transactions are not allowed (VACUUM).
        parts = [p for p in sql.split(";") if p.strip()] if "VACUUM" in sql else [sql]
        return "".join(self.run(*command, p, capture_output=True, text=True, **kwargs).stdout for p in parts)

    def load(self, layer, features):
        """A layer's features as a table in Web Mercator with its index, stored in the index's order."""
        table, fields = layer["id"], layer["tile_fields"]
        columns = ", ".join(f'"{f["name"]}" {TYPES.get(f["type"], "text")}' for f in fields)
        self.psql(f'CREATE UNLOGGED TABLE "{table}_raw" (id int8, geojson text{", " + columns if columns else ""})')
        rows = io.StringIO()
        for feature in features:
            values = [feature["id"], json.dumps(feature["geometry"])]
            values += [feature["properties"].get(f["name"]) for f in fields]
            rows.write("\t".join(map(copied, values)) + "\n")
        self.psql(f'COPY "{table}_raw" FROM STDIN', input=rows.getvalue())
        names = "".join(f', "{f["name"]}"' for f in fields)
        self.psql(
            f'CREATE TABLE "{table}" AS SELECT id{names}, '
            f"ST_Transform(ST_SetSRID(ST_GeomFromGeoJSON(geojson), 4326), 3857) AS geom FROM \"{table}_raw\" "
            f"ORDER BY ST_GeoHash(ST_Centroid(ST_SetSRID(ST_GeomFromGeoJSON(geojson), 4326)));"
            f'ALTER TABLE "{table}" ADD PRIMARY KEY (id);'
            f'CREATE INDEX ON "{table}" USING gist (geom); DROP TABLE "{table}_raw"'
        )
        self.psql(f'VACUUM ANALYZE "{table}"')


def copied(value):
    """A value in the text format of COPY."""
    if value is None:
        return r"\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
