"""Inference or memory? The same graph under other names, and what a link predictor loses there.

After Sakai et al., "Does Pre-trained Language Model Actually Infer Unseen Links in Knowledge Graph Completion?"
(arXiv 2311.09109). Modules import torch only inside functions.
"""
