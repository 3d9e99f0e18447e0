#!/bin/sh
# Says of a PBS job whether it is running (or waits), was a success, or failed.
facts=$(qstat -f "$1" 2>&1) || facts=$(qstat -x -f "$1" 2>&1)
case $facts in
    *"job_state = "[CFX]*"Exit_status = 0"*) echo success ;;
    *"job_state = "[CFX]*) echo failed ;;
    # Forgotten already: Snakemake looks whether its outputs are there.
    *"nknown Job"*) echo success ;;
    *) echo running ;;
esac
