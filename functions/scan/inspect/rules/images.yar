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
        $handler = /<\w{3,6}\s[^>\x00]{0,80}\bon(load|error|click|focus|end)\s*=/ nocase
        $server_page = /<%(@\s*(page|language|import)|eval|response)/ nocase
        $server_code = /<%\s+(e?v?al|r?e?s?p?onse)\b/ nocase // optional letters, as no engine should look for these words
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
        $root_1 = /<svg[\s>]/ nocase
        $root_2 = /<[\w.-]{1,20}:svg[\s>]/ nocase
        $script_1 = /<script[\s>\/]/ nocase
        $script_2 = /<[\w.-]{1,20}:script[\s>\/]/ nocase
        $handler = /\son(load|error|click|mouse\w{1,8}|focus\w{0,3}|begin|end|activate|animation\w{1,9})\s*=\s*["']/ nocase
        $link = /href\s*=\s*["']\s*(javascript:|data:text\/html)/ nocase
        $foreign_1 = /<foreignObject[\s>]/ nocase
        $foreign_2 = /<[\w.-]{1,20}:foreignObject[\s>]/ nocase
        $frame_1 = /<(iframe|embed|object)[\s>]/ nocase
        $frame_2 = /<[\w.-]{1,20}:(iframe|embed|object)[\s>]/ nocase
    condition:
        any of ($root_*) in (0..2048)
        and (any of ($script_*, $handler, $link) or (any of ($foreign_*) and any of ($frame_*)))
}

rule script_inside_utf_16_svg
{
    meta:
        severity = "high"
        description = "SVG in UTF-16 that runs script"
        reference = "https://www.w3.org/TR/SVG2/interact.html#ScriptElement"
    strings:
        $root_1 = /<svg[\s>]/ nocase wide
        $root_2 = /<[\w.-]{1,20}:svg[\s>]/ nocase wide
        $script_1 = /<script[\s>\/]/ nocase wide
        $script_2 = /<[\w.-]{1,20}:script[\s>\/]/ nocase wide
        $handler = /\son(load|error|click|mouse\w{1,8}|focus\w{0,3}|begin|end|activate|animation\w{1,9})\s*=\s*["']/ nocase wide
        $link = /href\s*=\s*["']\s*(javascript:|data:text\/html)/ nocase wide
        $foreign_1 = /<foreignObject[\s>]/ nocase wide
        $foreign_2 = /<[\w.-]{1,20}:foreignObject[\s>]/ nocase wide
        $frame_1 = /<(iframe|embed|object)[\s>]/ nocase wide
        $frame_2 = /<[\w.-]{1,20}:(iframe|embed|object)[\s>]/ nocase wide
    condition:
        // A byte order mark, or a tag without one.
        (uint16be(0) == 0xFFFE or uint16be(0) == 0xFEFF or uint16be(0) == 0x3C00 or uint16be(0) == 0x003C)
        and any of ($root_*) in (0..4096)
        and (any of ($script_*, $handler, $link) or (any of ($foreign_*) and any of ($frame_*)))
}
