"""What a group of configurations that share a model goes through: extract, select, steer, judge, count.

`pipeline` puts the steps together. Each module here holds one of them, or one thing that they share.
"""
