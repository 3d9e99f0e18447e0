"""Self-contained HTML pages: dicts and arrays in, bytes out.

`participant.participant_page` and `cohort.cohort_report` are the entry points. The pages load nothing from anywhere,
hold no time stamp and no path of the machine, and are the same bytes for the same input.
"""
