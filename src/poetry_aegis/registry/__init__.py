"""The private package index: a server of its own that knows nothing of Poetry or the plugin.

Its data directory *is* the index: ``packages/`` and ``simple/`` are a static tree, rendered when
something is written, which any web server can serve without this application.
"""
