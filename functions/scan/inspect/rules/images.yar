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
        $handler = /<(img|body|video|audio|object|embed)\s[^>\x00]{0,80}\bon(error|load|click|focus)\s*=/ nocase
        $server_page = /<%@?\s*(page|language|import|eval|response)/ nocase
    condition:
        (uint32be(0) == 0x89504E47                                          // PNG
         or (uint32be(0) >> 8) == 0xFFD8FF                                  // JPEG
         or uint32be(0) == 0x47494638                                       // GIF
         or uint32be(0) == 0x52494646                                       // WebP, WAV
         or uint32be(4) == 0x66747970                                       // AVIF, MP4, MOV
         or uint32be(0) == 0x1A45DFA3                                       // WebM
         or uint32be(0) == 0x4F676753 or uint32be(0) == 0x664C6143          // Ogg, FLAC
         or (uint32be(0) >> 8) == 0x494433)                                 // MP3
        and any of them
}

rule script_inside_svg
{
    meta:
        severity = "high"
        description = "SVG that runs script"
        reference = "https://www.w3.org/TR/SVG2/interact.html#ScriptElement"
    strings:
        $root = /<([a-z]{1,10}:)?svg[\s>]/ nocase ascii wide
        $script = /<([a-z]{1,10}:)?script[\s>\/]/ nocase ascii wide
        $handler = /\son(load|error|click|mouse\w{1,8}|focus\w{0,3}|begin|end|activate|animation\w{1,9})\s*=\s*["']/ nocase ascii wide
        $link = /href\s*=\s*["']\s*(javascript:|data:text\/html)/ nocase ascii wide
        $foreign = /<([a-z]{1,10}:)?foreignObject[\s>]/ nocase ascii wide
        $frame = /<([a-z]{1,10}:)?(iframe|embed|object)[\s>]/ nocase ascii wide
    condition:
        $root in (0..2048) and ($script or $handler or $link or ($foreign and $frame))
}
