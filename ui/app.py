"""The pages, as ``kg app`` serves them: Streamlit runs this file for every visit and click."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

from ui.pages import ask, complete, expand, explore, frame, harvest, insight, jobs, recommend, review

# Streamlit looks into this folder first, where ``langchain`` and ``mcp`` are ours and no packages: now last, for it puts back what is gone.
_HERE = str(Path(__file__).resolve().parent)
sys.path[:] = [*(path for path in sys.path if path != _HERE), _HERE]

# Streamlit would fetch a named icon from another host; this one travels with the page.
ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<path d="M9 22 16 9l8 12z" fill="none" stroke="#91a7ff" stroke-width="2.5"/><circle cx="16" cy="8" r="5" fill="#4263eb"/>
<circle cx="8" cy="23" r="4" fill="#12a5a0"/><circle cx="24" cy="22" r="4" fill="#e8590c"/></svg>"""
EXPLORE = explore.place()
ASK = st.Page(ask.page, title="Ask", icon=":material/forum:", url_path="ask")
REVIEW = st.Page(review.page, title="Review", icon=":material/rule:", url_path="review")
HARVEST = st.Page(harvest.page, title="Harvest", icon=":material/psychology:", url_path="harvest")
EXPAND = st.Page(expand.page, title="Expand", icon=":material/account_tree:", url_path="expand")
COMPLETE = st.Page(complete.page, title="Complete", icon=":material/join_inner:", url_path="complete")
RECOMMEND = st.Page(recommend.page, title="Recommend", icon=":material/thumb_up:", url_path="recommend")
INSIGHT = st.Page(insight.page, title="Insight", icon=":material/lightbulb:", url_path="insight")
JOBS = st.Page(jobs.page, title="Jobs", icon=":material/schedule:", url_path="jobs")


def _home() -> None:
    # Streamlit gives the default page no path of its own, and /explore is an address people share.
    st.switch_page(EXPLORE)


st.set_page_config(page_title="Knowledge graph", page_icon=ICON, layout="wide")
frame.keep()
HOME = st.Page(_home, title="Home", default=True, visibility="hidden")
st.navigation([HOME, EXPLORE, ASK, REVIEW, HARVEST, EXPAND, COMPLETE, RECOMMEND, INSIGHT, JOBS]).run()
