// Containers that carry something past those who look at the outside only.

rule disk_image
{
    meta:
        severity = "high"
        description = "A disk image (ISO, UDF, VHD, VHDX), whose files Windows does not treat as downloaded"
        reference = "https://attack.mitre.org/techniques/T1553/005/"
    condition:
        // ISO 9660 and UDF: a volume descriptor in sector 16.
        (uint32be(0x8001) == 0x43443030 and uint8(0x8005) == 0x31 and uint8(0x8006) == 1)
        or (uint32be(0x8001) == 0x42454130 and uint8(0x8005) == 0x31)
        // VHD: "conectix" in front or in the last sector. VHDX: "vhdxfile".
        or (uint32be(0) == 0x636F6E65 and uint32be(4) == 0x63746978)
        or (filesize > 512 and uint32be(filesize - 512) == 0x636F6E65 and uint32be(filesize - 508) == 0x63746978)
        or (uint32be(0) == 0x76686478 and uint32be(4) == 0x66696C65)
}

rule archive_behind_picture
{
    meta:
        severity = "high"
        description = "A picture with a RAR or 7z archive behind its end"
        reference = "https://attack.mitre.org/techniques/T1027/003/"
    strings:
        // ZIP files behind others are found when the content is identified.
        $end = { ( 49 45 4E 44 AE 42 60 82 | FF D9 | 00 3B ) ( 52 61 72 21 1A 07 | 37 7A BC AF 27 1C ) }
    condition:
        $end
        and (uint32be(0) == 0x89504E47 or (uint32be(0) >> 8) == 0xFFD8FF or uint32be(0) == 0x47494638)
}

rule java_archive_inside_media
{
    meta:
        severity = "high"
        description = "A picture, a sound or a video that is a Java archive too (GIFAR)"
        reference = "https://cwe.mitre.org/data/definitions/434.html"
    strings:
        // In front of a name stands a length or an offset, whose last byte is small.
        $manifest = /[\x00-\x08]META-INF\/MANIFEST\.MF/
    condition:
        $manifest
        and (uint32be(0) == 0x89504E47 or (uint32be(0) >> 8) == 0xFFD8FF or uint32be(0) == 0x47494638
             or uint32be(0) == 0x52494646 or uint32be(4) == 0x66747970 or uint32be(0) == 0x1A45DFA3
             or uint32be(0) == 0x4F676753 or uint32be(0) == 0x664C6143 or (uint32be(0) >> 8) == 0x494433)
}

rule archive_with_disguised_program
{
    meta:
        severity = "high"
        description = "An archive with a program that is named like a document"
        reference = "https://attack.mitre.org/techniques/T1036/007/"
    strings:
        // A name in the ZIP's directory that ends in two extensions, or whose end is shown in reverse.
        $double = /(\.pdf|\.doc|\.xls|\.ppt|\.rtf|\.txt|\.csv|\.jpg|\.jpeg|\.png|\.gif|\.mp[34]|\.zip)[x _]*\.([empsvw][bcisx][1efirs]|[bchl][amnop][dklmt]|hta|jse?)(PK\x01\x02|PK\x05\x06|\x55\x54[\x05\x09\x0D]\x00|\x0A\x00 \x00|\x75\x78\x0B\x00)/s nocase
        $reversed = /\xE2\x80\xAE[^\x00\xAE.]*\.[bcehjlmpsvw][abcimnopstx][1acdefiklmrst]/s nocase
    condition:
        any of them and uint32be(0) == 0x504B0304
}

rule php_archive
{
    meta:
        severity = "high"
        description = "A PHP archive (PHAR), which PHP unpacks, objects and all, from any file"
        reference = "https://www.php.net/manual/en/phar.fileformat.php"
    strings:
        $stub = /__HALT_COMPILER[(][)];[^\x00]{0,9}\x00/ // so that its rare beginning is looked for
    condition:
        // The signature's mark is the end of the file.
        uint32be(filesize - 4) == 0x47424D42 and $stub
}

rule java_object_that_runs_code
{
    meta:
        severity = "critical"
        description = "A serialized Java object that runs code when it is read"
        reference = "https://cwe.mitre.org/data/definitions/502.html"
    strings:
        $gadget_1 = "org.apache.commons.collections.functors.InvokerTransformer"
        $gadget_2 = "org.apache.commons.collections4.functors.InvokerTransformer"
        $gadget_3 = "functors.InstantiateTransformer"
        $gadget_4 = "internal.xsltc.trax.TemplatesImpl"
        $gadget_5 = "org.codehaus.groovy.runtime.MethodClosure"
        $gadget_6 = "com.mchange.v2.c3p0.impl.PoolBackedDataSource"
        $gadget_7 = "com.sun.rowset.JdbcRowSetImpl"
        $gadget_8 = "org.springframework.core.SerializableTypeWrapper$MethodInvokeTypeProvider"
        // The same within base64.
        $gadget_11 = "org.apache.commons.collections.functors.InvokerTransformer" base64
        $gadget_12 = "org.apache.commons.collections4.functors.InvokerTransformer" base64
        $gadget_13 = "functors.InstantiateTransformer" base64
        $gadget_14 = "internal.xsltc.trax.TemplatesImpl" base64
        $gadget_15 = "org.codehaus.groovy.runtime.MethodClosure" base64
        $gadget_16 = "com.mchange.v2.c3p0.impl.PoolBackedDataSource" base64
        $gadget_17 = "com.sun.rowset.JdbcRowSetImpl" base64
        $gadget_18 = "org.springframework.core.SerializableTypeWrapper$MethodInvokeTypeProvider" base64
    condition:
        // Then what an object of any kind begins with; or the same in base64, "rO0AB".
        ((uint32be(0) == 0xACED0005 and uint8(4) >= 0x70 and uint8(4) <= 0x7D)
         or (uint32be(0) == 0x724F3041 and uint8(4) == 0x42))
        and any of ($gadget_*)
}

rule pickle_that_runs_code
{
    meta:
        severity = "critical"
        description = "A Python pickle that runs code when it is read"
        reference = "https://docs.python.org/3/library/pickle.html#restricting-globals"
    strings:
        // A module whose functions run programs, and the beginning of a function's name; the name itself may
        // stand elsewhere, as no engine should try all names behind all modules. Classes of one letter, so that
        // the opcode is looked for.
        $by_name = /(cos\n|cpos[i]x\n|cnt\n|csub[p]rocess\n|ccom[m]ands\n|cpty\n|crun[p]y\n|cimp[o]rtlib\n)[A-Za-z_]/
        $by_name_builtin = /c(builtins|__builtin__)\n(exec|eval|compile|getattr|__import__)/
        $by_stack = /(\x8c\x02os|\x8c\x05po[s]ix|\x8c\x02nt|\x8c\x0asu[b]process|\x8c\x03pty|\x8c\x05ru[n]py|\x8c\x09im[p]ortlib)\x94?\x8c[\x03-\x0d][A-Za-z_\x94]*\x93/
        $by_stack_builtin = /\x8c\x08builtins\x94?\x8c[\x03-\x0d](exec|eval|compile|getattr|__import__)\x94?\x93/
        $name = /(\nexec|\x04exec|\neval|\x04eval|[\n\x03-\x0d](system|[Pp]open|spawn|call|check_|run[\n_\x93\x94]|import_module|compile|getoutput|getattr))/
    condition:
        // STOP is the last opcode.
        uint8(filesize - 1) == 0x2E
        and ((uint8(0) == 0x63 and (($by_name and $name) or $by_name_builtin))
             or (uint8(0) == 0x80 and uint8(1) >= 2 and uint8(1) <= 5
                 and ((any of ($by_name, $by_stack) and $name) or any of ($by_name_builtin, $by_stack_builtin))))
}
