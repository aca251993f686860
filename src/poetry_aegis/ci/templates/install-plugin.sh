# The plugin comes from its own index alone: another one may have something else of that name.
# Who reads there is told to pip by its environment, which other processes cannot see.
@python_program@ -c '
import os, sys
from urllib.parse import quote

env = os.environ
token = env.get("PRIVATE_PYPI_READ_TOKEN")
user = "__token__" if token else env.get("PRIVATE_PYPI_READ_USERNAME", "")
password = token or env.get("PRIVATE_PYPI_READ_PASSWORD", "")
login = quote(user, "") + ":" + quote(password, "") + "@" if user else ""
env["PIP_INDEX_URL"] = "@plugin_scheme@://" + login + "@plugin_place@"
env.update(PIP_CONFIG_FILE=os.devnull, PIP_EXTRA_INDEX_URL="", PIP_FIND_LINKS="")
if env.get("PRIVATE_PYPI_CA"):
    env["PIP_CERT"] = env["PRIVATE_PYPI_CA"]
os.execv(sys.executable, [sys.executable, "-m", "pip", *sys.argv[1:]])
' install --disable-pip-version-check --no-deps "@plugin@"
