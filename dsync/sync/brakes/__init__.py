"""The brakes: what keeps a run from believing, judging or writing, until a person has looked.

Each of them compares what is wanted with what stands, looks for what explains the difference, and
asks a person once where nothing does. Few differences pass, within the limits of `[safety]`. Beyond
them what stands keeps standing, the run ends with 4 or 7, and a proposal waits (`is_accepted` in
`dsync/sync/context.py`) for `dsync accept` or the page « Accords ». In the order of a run:

`grounds`: wanted is to judge and write by today's form and file. What stands is
what the database knows of both: another form, a lost box, a key that is gone are explained by
nobody but a person (`accept config`). A database that finds another one's values writes nothing
(`accept writer`).

`doubts`, `belief`: wanted is what DS's pages show, what stands is the copy. A date of
DS that is later than the last read explains a difference; else the copy keeps what it has until
the end of the read, when few dossiers are believed if they come the same again, and a person is
asked about many (`accept answers`). The brake on deletions is beside the lists that it compares, in
`dsync/sync/pull.py` (`accept deletions`), and that on a catalogue where it is read, in
`dsync/eig/gathering.py` (`accept evidence`).

`changed_rules`: wanted are the verdicts of changed rules, what stands are those that were given.
Judged are the same dossiers twice, so that only the rules explain what moves (`accept rules`).

`replacing`: wanted are the values of the outbox, what stands is what this database wrote into DS. A
cause of the dossier's own, since the verdict that stands, explains a change. What passes without
one counts for thirty days, with what `belief` let pass. What a person wrote is never replaced
(`accept writes`, and `accept first` before the first write of a database).
"""
