# Variables, not arguments: those other processes could read.
export POETRY_REPOSITORIES_@index@_URL="$@secret@_URL"
if [ -n "$@secret@_TOKEN" ]; then
  export POETRY_HTTP_BASIC_@index@_USERNAME=__token__
  export POETRY_HTTP_BASIC_@index@_PASSWORD="$@secret@_TOKEN"
else
  export POETRY_HTTP_BASIC_@index@_USERNAME="$@secret@_USERNAME"
  export POETRY_HTTP_BASIC_@index@_PASSWORD="$@secret@_PASSWORD"
fi
if [ -n "$@secret@_CA" ]; then  # a variable of the type "file"
  export POETRY_CERTIFICATES_@index@_CERT="$@secret@_CA"
fi
