"""One small file per command: options in, one call into a room, output. No logic.

`poetry list` imports every module here, so at module level they import only cleo and `base`.
"""
