import os
open("/tmp/outside", "w").write("x")
for name in b"-rf", b"a\nb", b"\xff", b"CON", b"<script>", "‮gpj".encode(), b"\x1b]0;t\x07", b"x" * 255:
    open(b"/box/" + name, "w").write("x")
