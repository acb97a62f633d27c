import java.util.Set;
import javax.annotation.processing.*;
import javax.lang.model.SourceVersion;
import javax.lang.model.element.TypeElement;

@SupportedAnnotationTypes("*")
public class Spy extends AbstractProcessor {
    @Override public SourceVersion getSupportedSourceVersion() { return SourceVersion.latest(); }
    @Override public boolean process(Set<? extends TypeElement> found, RoundEnvironment round) {
        if (!round.processingOver()) return false;
        System.out.println("compiling as " + System.getProperty("user.name") + " in " + System.getProperty("user.dir"));
        for (String path : new String[] {"/usr/runlog-attack", "/etc/runlog-attack", "/opt/runlog-attack"})
            try (var file = new java.io.FileWriter(path)) { System.out.println("OPEN " + path); } catch (java.io.IOException denied) { }
        return false;
    }
}
