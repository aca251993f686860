"""Signatures of distributions: whose they are, and whether they are to be believed.

::

    material       what keys are made of, so that one key is known in any spelling
    keys           public keys, and the signatures they make
    statement      what is signed: this file name has this sha256 (in-toto Statement v1)
    attestation    a signed statement, as an index stores and serves it (PEP 740, DSSE)
    trust          the keys that a team believes, for which projects, and from when to when
    verdict        what all of that says of one file

Imported by the stand-alone registry, too: it knows of this project only `tables`.
"""
