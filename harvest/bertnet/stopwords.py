"""English words that say nothing by themselves: no name of a thing is one of them, or begins or ends with one."""

STOP = frozenset(
    """
    a an the this that these those some any each every all both either neither no another other others such same own
    i me my mine you your yours he him his she her hers it its we us our ours they them their theirs one ones
    myself yourself himself herself itself ourselves themselves who whom whose which what when where why how
    am is are was were be been being have has had having do does did doing will would shall should can could may might must
    not nor so too very just only also even still yet then than there here now again more most less least many much few
    and or but if because as while though although until unless since
    of in on at by for with about against between into through during before after above below to from under within without upon
    something someone somebody anything anyone anybody everything everyone everybody nothing nobody none thing things etc
    """.split()
)
