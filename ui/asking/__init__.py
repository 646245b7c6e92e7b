"""What programs ask of a graph, put once; LangChain (``ui.langchain``), MCP (``ui.mcp``) and REST (``ui.rest``) are faces of it.

``arguments`` says what may be asked and within which limits, ``asking`` answers, ``described`` says what an answer looks like, and
``operations`` puts the three together. Nothing here writes but ``proposing``, which ``kg mcp --write`` alone offers.
"""
