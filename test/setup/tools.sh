#!/bin/sh
# Installs the Debian packages the tests need. Filled in by the first test that needs one.
