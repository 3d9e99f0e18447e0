"""From a scanner's folder to a study: headers, a plan for the user to edit, and the files in place."""
