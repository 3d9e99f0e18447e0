"""What an author takes over: the methods section and the tables as journals print them, as Markdown, CSV and DOCX.

The same bytes for the same results: no time, name of the machine or version of a compressor is in them.
"""
