#!/bin/sh
# Says of an LSF job whether it is running (or waits), was a success, or failed.
case $(bjobs -noheader -o stat "$1" 2>&1) in
    DONE*) echo success ;;
    EXIT* | ZOMBI*) echo failed ;;
    # Forgotten already: Snakemake looks whether its outputs are there.
    *"is not found"*) echo success ;;
    *) echo running ;;
esac
