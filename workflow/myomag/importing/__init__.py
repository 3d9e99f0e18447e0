"""From a scanner's folder to a study: headers, a plan that a person edits, and the files in their places."""
