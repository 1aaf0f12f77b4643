// Pictures that are pages or programs too.

rule script_inside_media
{
    meta:
        severity = "high"
        description = "HTML or script inside a picture, a sound or a video"
        reference = "https://portswigger.net/research/bypassing-csp-using-polyglot-jpegs"
    strings:
        $php = /<\?php[\s]/ nocase
        $html = /<html[\s>]/ nocase
        $script = /<script[\s>\/]/ nocase
        $svg = /<svg[\s>]/ nocase
        $iframe = /<iframe[\s>]/ nocase
        $handler = /\bon(load|error|click|focus|end)\s*=/ nocase
        $server_page_1 = "<%eval" nocase
        $server_page_2 = "<%response" nocase
        $server_page_3 = "<%@ page" nocase
        $server_page_4 = "<%@page" nocase
        $server_page_5 = "<%@ language" nocase
        $server_page_6 = "<%@language" nocase
        $server_page_7 = "<%@ import" nocase
        $server_page_8 = "<%@import" nocase
        $server_code = /<%\s+(ev[a]l|re[s]ponse)\b/ nocase // classes, as no engine should look for these words
    condition:
        any of them
        and (uint32be(0) == 0x89504E47                                      // PNG
             or (uint32be(0) >> 8) == 0xFFD8FF                              // JPEG
             or uint32be(0) == 0x47494638                                   // GIF
             or uint32be(0) == 0x52494646                                   // WebP, WAV
             or uint32be(4) == 0x66747970                                   // AVIF, MP4, MOV
             or uint32be(0) == 0x1A45DFA3                                   // WebM
             or uint32be(0) == 0x4F676753 or uint32be(0) == 0x664C6143      // Ogg, FLAC
             or (uint32be(0) >> 8) == 0x494433)                             // MP3
}

rule script_inside_svg
{
    meta:
        severity = "high"
        description = "SVG that runs script"
        reference = "https://www.w3.org/TR/SVG2/interact.html#ScriptElement"
    strings:
        $script_1 = /<script[\s>\/]/ nocase
        $script_2 = /<[\w.-]*:script[\s>\/]/ nocase
        $handler = /\son(load|error|click|mouse(down|enter|leave|move|out|over|up|wheel)|focus(in|out)?|begin|end|activate|animation(cancel|end|iteration|start))\s*=\s*["']/ nocase
        $link = /href\s*=\s*["']\s*(javascript:|data:text\/html)/ nocase
        $foreign_1 = /<foreignObject[\s>]/ nocase
        $foreign_2 = /<[\w.-]*:foreignObject[\s>]/ nocase
        $frame_1 = /<(iframe|embed|object)[\s>]/ nocase
        $frame_2 = /<[\w.-]*:(iframe|embed|object)[\s>]/ nocase
    condition:
        (any of ($script_*, $handler, $link) or (any of ($foreign_*) and any of ($frame_*)))
        // "<svg" or ":svg" near the beginning: as a string it would be kept wherever it is.
        and for any i in (0..2068) : (
            (uint32be(i) | 0x00202020) == 0x3C737667 or (uint32be(i) | 0x00202020) == 0x3A737667)
}

rule script_inside_utf_16_svg
{
    meta:
        severity = "high"
        description = "SVG in UTF-16 that runs script"
        reference = "https://www.w3.org/TR/SVG2/interact.html#ScriptElement"
    strings:
        $script_1 = /<script[\s>\/]/ nocase wide
        $script_2 = /<[\w.-]*:script[\s>\/]/ nocase wide
        $handler = /\son(load|error|click|mouse(down|enter|leave|move|out|over|up|wheel)|focus(in|out)?|begin|end|activate|animation(cancel|end|iteration|start))\s*=\s*["']/ nocase wide
        $link = /href\s*=\s*["']\s*(javascript:|data:text\/html)/ nocase wide
        $foreign_1 = /<foreignObject[\s>]/ nocase wide
        $foreign_2 = /<[\w.-]*:foreignObject[\s>]/ nocase wide
        $frame_1 = /<(iframe|embed|object)[\s>]/ nocase wide
        $frame_2 = /<[\w.-]*:(iframe|embed|object)[\s>]/ nocase wide
    condition:
        // A byte order mark, or a tag without one.
        (uint16be(0) == 0xFFFE or uint16be(0) == 0xFEFF or uint16be(0) == 0x3C00 or uint16be(0) == 0x003C)
        and (any of ($script_*, $handler, $link) or (any of ($foreign_*) and any of ($frame_*)))
        and for any i in (0..4136) : (
            ((uint32be(i) | 0x00002000) == 0x3C007300 or (uint32be(i) | 0x00002000) == 0x3A007300)
            and (uint32be(i + 4) | 0x20002000) == 0x76006700)
}
