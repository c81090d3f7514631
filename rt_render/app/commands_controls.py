"""The command that lists the controls: rt-render controls."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from firmware_bridge.commands.terminal import OUT, print_json
from rt_render.app.cli_options import AsJson, Force


def controls(
    page: Annotated[Path | None, typer.Option(help="Write docs/remote.md here: the table, and how to be told.")] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """List what can be changed while it plays: by key, over OSC, on the page."""
    from rt_render.app.controls.desk import Desk
    from rt_render.app.controls.page import remote_page
    from rt_render.app.output_names import refuse_overwrite
    from rt_render.io.wav_writer import OutputFileError

    if page is not None:
        refuse_overwrite([page], force, [])
        try:
            page.write_text(remote_page(), encoding="utf-8")
        except OSError as error:
            raise OutputFileError(f"{page} cannot be written: {error.strerror}; choose another place.") from None
    rows = Desk().controls()
    if as_json:
        print_json(rows)
        return
    table = Table("address", "kind", "unit", "what it is", box=None, header_style="dim")
    for row in rows:
        table.add_row(f"/rt/{row['name']}", row["kind"], row["unit"], row["about"])
    OUT.print(table)
    if page is not None:
        OUT.print(f"[bold]{escape(str(page))}[/bold] written.", soft_wrap=True)
