# SPDX-License-Identifier: BSD-3-Clause
"""The report: a matrix of benches, their points, and what is made of them. matrix.py is where to start reading."""
