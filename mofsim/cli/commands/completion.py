"""`mofsim completion`: what a shell needs to complete our commands."""

import click
from click.shell_completion import get_completion_class

from mofsim.cli.app import App, command


@command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  mofsim completion bash > ~/.local/share/bash-completion/completions/mofsim
    zsh:   mofsim completion zsh > a file `_mofsim` in a folder of $fpath
    fish:  mofsim completion fish > ~/.config/fish/completions/mofsim.fish

    With --json: {shell, script}.
    """
    app = ctx.find_object(App)
    kind = get_completion_class(shell)
    assert app is not None and kind is not None
    script = kind(ctx.find_root().command, {}, "mofsim", "_MOFSIM_COMPLETE").source()
    if app.json:
        app.out.document({"shell": shell, "script": script})
    else:
        app.out.line(script)
