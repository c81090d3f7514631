"""`python -m rt_render` is `rt-render`."""

from rt_render.app.cli import main

if __name__ == "__main__":
    main()
