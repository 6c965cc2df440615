"""kubectl earlystop report, replay, audit, statement and verify: the record of verdicts. Options and help alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from earlystop.cli.options import (
    Context,
    Everywhere,
    Form,
    FromFile,
    Namespace,
    complete_name,
)

Chain = Annotated[
    bool, typer.Option("--chain", help="Verify the whole record of a policy, of files, or of all policies.")
]
Statement = Annotated[
    Path | None, typer.Option(help="Verify an exported statement in its envelope, without a cluster, and no verdict.")
]
Extract = Annotated[
    Path | None, typer.Option(help="With --statement: write what was signed, and the signatures, to this directory.")
]
Key = Annotated[
    Path | None,
    typer.Option("--key", help="With --statement: file with the public key that must have signed it (PEM)."),
]
Head = Annotated[
    list[str] | None,
    typer.Option(help="With --chain: a digest that was published as the policy's latest, as in the operator's log."),
]
Lease = Annotated[
    str | None,
    typer.Option(
        help="With --chain -A: the Lease in which the operator publishes a digest over all verdicts, as "
        "NAMESPACE/NAME, for example earlystop-system/earlystop-record."
    ),
]
EveryNamespace = Annotated[bool, typer.Option("--all-namespaces", "-A", help="With --chain: of all namespaces.")]


def report(
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, as in qa.html; - prints the page.")],
    policy: Annotated[
        str | None,
        typer.Argument(
            help="Name of the policy; it may be left out where files hold verdicts of just one.",
            autocompletion=complete_name,
        ),
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option("--file", "-f", help="File with EarlyStopVerdicts, in place of the cluster's. Repeatable."),
    ] = None,
    verdict: Annotated[str | None, typer.Option(help="Name of a verdict; without it, the policy's latest one.")] = None,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Write a verdict as a page that recomputes itself: one file, which needs no network.

    It ends with 1 where the verdict does not verify; the page is written all the same, and says so first thing.
    """
    from earlystop.cli.report import write_report

    write_report(output, policy, file, verdict, namespace, context)


def replay(
    name: Annotated[
        str | None,
        typer.Argument(help="A verdict, or a policy, whose verdicts are all replayed; or a file with verdicts."),
    ] = None,
    file: FromFile = None,
    namespace: Namespace = None,
    context: Context = None,
    output: Annotated[Form, typer.Option("--output", "-o", help="A line a look for people, or as JSON.")] = Form.SCREEN,
) -> None:
    """Replay a campaign look by look."""
    from earlystop.cli.replay import print_replay

    print_replay(name, file, namespace, context, output)


def audit(
    policy: Annotated[
        str | None,
        typer.Argument(help="Name of a policy; without it, all of the namespace.", autocompletion=complete_name),
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
    everywhere: Everywhere = False,
    output: Annotated[Form, typer.Option("--output", "-o", help="A table for people, or JSON.")] = Form.SCREEN,
) -> None:
    """Show who did what to policies, and when."""
    from earlystop.cli.audit import show_audit

    show_audit(policy, namespace, context, everywhere, output)


def statement(
    verdict: Annotated[str | None, typer.Argument(help="Name of a verdict in the cluster, or a file with one.")] = None,
    file: FromFile = None,
    to_be_signed: Annotated[
        Path | None, typer.Option("--to-sign", help="Write the bytes that are to be signed to this file.")
    ] = None,
    signature: Annotated[
        Path | None,
        typer.Option(help="File with the signature over those bytes: print the envelope with it, not the statement."),
    ] = None,
    sign_key: Annotated[
        Path | None,
        typer.Option(
            help="File with your private key (PEM, Ed25519 or ECDSA P-256): print the envelope, signed by it."
        ),
    ] = None,
    key_secret: Annotated[
        str | None,
        typer.Option(help="The same by a key in a Secret of the namespace, as NAME or NAME/KEY (KEY: key.pem)."),
    ] = None,
    key_id: Annotated[
        str,
        typer.Option(
            help="Name of the key, for those who check: it is a hint, and not signed. Of a key that signs, its "
            "digest by default."
        ),
    ] = "",
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Export a verdict as a statement to sign, or signed."""
    from earlystop.cli.statement import print_statement

    print_statement(
        verdict=verdict,
        file=file,
        to_be_signed=to_be_signed,
        signature=signature,
        sign_key=sign_key,
        key_secret=key_secret,
        key_id=key_id,
        namespace=namespace,
        context=context,
    )


def verify(
    verdict: Annotated[
        list[str] | None,
        typer.Argument(
            help="Name of an EarlyStopVerdict in the cluster; with --chain that of a policy. What holds a slash or "
            "ends in .yaml, .yml or .json is the path of a file, and - standard input; write ./NAME for a file of "
            "another name."
        ),
    ] = None,
    file: FromFile = None,
    chain: Chain = False,
    statement: Statement = None,
    extract: Extract = None,
    key: Key = None,
    head: Head = None,
    everywhere: EveryNamespace = False,
    lease: Lease = None,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Recompute a stored verdict from its looks, follow the verdicts before it, and say where it differs."""
    from earlystop.cli.verify import verify_record

    verify_record(
        verdict=verdict,
        file=file,
        chain=chain,
        statement=statement,
        extract=extract,
        key=key,
        head=head,
        everywhere=everywhere,
        lease=lease,
        namespace=namespace,
        context=context,
    )
