"""What the shape of a graph says: paths between entities, how it hangs together, how it grows. Arrays alone; no model, no server.

network     the facts of a view by their ends, in both directions
pattern     relation patterns, such as ``author of/^cites+``, as automata
walking     where one may walk in a network, and the part of it that can lie between two ends
ranked      the cheapest simple routes of such a part, one after the other
between     paths of facts between entities of a graph: what ``kg.paths`` gives
simple      a graph as links alone, and what is seen from some of its entities
structure   communities, what holds a graph together, how its degrees lie
dynamics    all measures of a graph's shape, one iteration after the other
insight     what a person should look at: communities, hubs, what lies between, gaps
"""
