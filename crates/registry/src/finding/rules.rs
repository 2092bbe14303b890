//! The table of rules.

use crate::finding::FindingRule;
use crate::finding::Severity::{Error, Warning};

/// Declares the rules and the list of them.
macro_rules! finding_rules {
    ($($code:ident $severity:ident $italian:literal $remedy:literal $english:literal;)+) => {
        $(
            #[doc = $english]
            pub static $code: FindingRule = FindingRule {
                code: stringify!($code),
                severity: $severity,
                italian: $italian,
                remedy: $remedy,
                english: $english,
            };
        )+

        /// Every rule, in the order of the documentation.
        pub static RULES: &[&FindingRule] = &[$(&$code,)+];
    };
}

/// The rule of a code.
pub fn rule(code: &str) -> Option<&'static FindingRule> {
    RULES.iter().find(|rule| rule.code == code).copied()
}

finding_rules! {
    // The row as text.
    PN001 Error "La riga non è in UTF-8"
        "Esportare il file in UTF-8, o dichiarare la codifica in una mappatura (Windows-1252, ISO 8859-1)"
        "the row is not UTF-8";
    PN002 Error "La riga non ha tanti campi quante sono le colonne dell'intestazione"
        "Racchiudere tra virgolette i valori che contengono il punto e virgola; togliere gli a capo dai valori"
        "the row has not as many fields as the header has columns";
    PN003 Error "Le virgolette aperte non sono chiuse, o sono seguite da altro testo"
        "Raddoppiare le virgolette all'interno dei valori; togliere gli a capo dai valori"
        "a quotation mark is not closed, or is followed by other text";
    PN004 Error "La riga supera 65536 byte"
        "Controllare che ogni scheda stia su una sola riga"
        "the row is longer than 65536 bytes";
    // The row in another layout or encoding.
    PN005 Error "Valore non previsto dalla tabella di conversione della mappatura"
        "Aggiungere il valore alla mappatura, o correggerlo nel gestionale"
        "the value is not in the translation of the mapping";
    PN006 Error "La riga contiene byte che la codifica dichiarata non prevede"
        "Dichiarare nella mappatura la codifica con cui il gestionale esporta (di solito windows-1252)"
        "the row holds bytes that the declared encoding does not have";
    PN007 Error "Caratteri UTF-8 letti con un'altra codifica (per esempio Ã¨ al posto di è)"
        "Dichiarare utf-8, oppure correggere i testi convertiti due volte nel gestionale"
        "the row holds UTF-8 that was read in another encoding";
    PN008 Error "Indirizzo o numero civico che non si scompone in un solo modo"
        "Scriverlo nella forma prevista dalla mappatura (SNC quando manca il civico)"
        "the address or house number does not fall apart in exactly one way";
    PN009 Error "Il campo non ha tante parti quante ne prevede la mappatura"
        "Scrivere nel campo tutte le parti, con il separatore indicato dalla mappatura"
        "the field has not as many parts as the mapping says";
    PN016 Error "La data non esiste o non è in una delle forme dichiarate nella mappatura"
        "Correggere la data, o dichiarare la forma nella mappatura"
        "the date does not exist or is in none of the forms of the mapping";
    // Single fields.
    EN081 Error "Campo obbligatorio assente"
        "Valorizzare il campo"
        "a mandatory field is empty";
    PN010 Error "La data non è valida o non è nella forma AAAA-MM-GG"
        "Scrivere la data come AAAA-MM-GG; solo per la nascita sono ammesse AAAA-MM e AAAA"
        "the date does not exist or is not written YYYY-MM-DD";
    PN011 Error "Il valore non è tra quelli ammessi"
        "Usare uno dei valori ammessi indicati nel tracciato"
        "the value is not one of those admitted";
    PN012 Error "Il codice o identificativo non ha la forma prevista"
        "Correggere il codice secondo la forma indicata nel tracciato"
        "the code or identifier has not the required form";
    PN013 Error "Il nome contiene caratteri non ammessi o supera 80 caratteri"
        "Usare solo lettere, spazi, trattino, apostrofo, punto e virgola"
        "the name holds characters that are not admitted, or is longer than 80";
    PN014 Error "Il testo supera la lunghezza massima o contiene caratteri di controllo"
        "Abbreviare il testo entro la lunghezza indicata nel tracciato"
        "the text is too long or holds control characters";
    PN015 Error "Il numero non è valido"
        "Scrivere solo cifre, senza segno, al massimo sei"
        "the number is not valid";
    // Generalities.
    ES057 Error "Mancano sia il cognome sia il nome"
        "Indicare almeno uno tra cognome e nome"
        "both surname and given name are missing";
    PN020 Warning "Manca il cognome o il nome: il soggetto è considerato senza"
        "Verificare che il soggetto sia effettivamente senza cognome o senza nome"
        "surname or given name is missing: the person is taken to have none";
    ES008 Error "Data di nascita successiva alla data dell'esportazione"
        "Correggere la data di nascita"
        "the birth date lies after the date of the export";
    ES050 Error "Occorre indicare il luogo di nascita in un solo modo: comune, stato estero o luogo eccezionale"
        "Lasciare valorizzato solo uno dei tre"
        "the birth place must be given as exactly one of municipality, foreign state or exceptional place";
    EN332 Error "Comune di nascita inesistente"
        "Indicare denominazione, provincia e codice ISTAT del comune alla data di nascita"
        "no municipality of that code or name ever existed";
    EN333 Warning "Impossibile verificare il comune di nascita per la presenza di più occorrenze"
        "Indicare il codice ISTAT del comune di nascita"
        "several municipalities bore that name at the birth date";
    EN334 Warning "Codice ISTAT del comune di nascita incongruente con la denominazione"
        "Allineare codice ISTAT, denominazione e provincia alla data di nascita"
        "the ISTAT code of the birth place is not that of the name";
    EN338 Warning "Comune di nascita non valido alla data di nascita"
        "Indicare il comune che esisteva alla data di nascita"
        "the birth municipality did not exist at the birth date";
    EC030 Error "Stato estero di nascita inesistente sulla tabella di riferimento"
        "Indicare un codice della tabella 2"
        "the state of birth is not in the table of states";
    // Codice fiscale.
    EA001 Error "Codice fiscale di lunghezza errata"
        "Indicare 16 caratteri, o 11 cifre per il codice provvisorio, senza spazi all'interno"
        "the codice fiscale has the wrong length";
    PN030 Error "Codice fiscale formalmente errato"
        "Verificare il codice fiscale con l'anagrafe tributaria"
        "the codice fiscale is not formally valid";
    PN031 Warning "Codice fiscale assente per un residente"
        "Richiedere l'attribuzione del codice fiscale"
        "a resident has no codice fiscale";
    EA038 Warning "Data di nascita incongruente con il codice fiscale"
        "Verificare data di nascita e codice fiscale con l'anagrafe tributaria"
        "the birth date is not that of the codice fiscale";
    EA042 Warning "Sesso incongruente con il codice fiscale"
        "Verificare sesso e codice fiscale con l'anagrafe tributaria"
        "the sex is not that of the codice fiscale";
    EN339 Warning "Comune di nascita incongruente con il codice catastale del codice fiscale"
        "Verificare il comune di nascita e il codice fiscale"
        "the birth municipality is not that of the codice fiscale";
    EN340 Warning "Stato estero di nascita incongruente con il codice catastale del codice fiscale"
        "Verificare lo stato di nascita e il codice fiscale"
        "the state of birth is not that of the codice fiscale";
    ENT02 Warning "Cognome o nome incongruenti con il codice fiscale"
        "Verificare cognome, nome e codice fiscale con l'anagrafe tributaria"
        "surname or given name are not those of the codice fiscale";
    PN032 Warning "Validazione o decorrenza del codice fiscale indicate senza codice fiscale"
        "Valorizzare il codice fiscale o svuotare i campi"
        "validation or start of a codice fiscale that is not given";
    // Civil status and citizenships.
    EC001 Error "Codice stato civile inesistente sulla tabella di riferimento"
        "Indicare un codice della tabella 1"
        "the civil status is not in table 1";
    EC036 Error "Stato di cittadinanza inesistente sulla tabella di riferimento"
        "Indicare codici della tabella 2, separati da virgola"
        "a state of citizenship is not in the table of states";
    PN040 Warning "Nessuna cittadinanza indicata"
        "Indicare la cittadinanza (999 per gli apolidi)"
        "no citizenship is given";
    PN041 Error "La stessa cittadinanza è indicata più volte"
        "Indicare ogni cittadinanza una sola volta"
        "a citizenship is given twice";
    ES009 Warning "Data di validità della cittadinanza anteriore alla nascita o successiva all'esportazione"
        "Correggere la decorrenza della cittadinanza"
        "the citizenship starts before birth or after the export";
    EN386 Warning "Unione civile anteriore al 5 giugno 2016"
        "Verificare la decorrenza: prima del 05/06/2016 è ammessa solo se costituita all'estero"
        "a civil union before 5 June 2016 is possible only abroad";
    PN042 Warning "Data di decorrenza dello stato civile anteriore alla nascita o successiva all'esportazione"
        "Correggere la decorrenza dello stato civile"
        "the civil status starts before birth or after the export";
    PN043 Warning "Decorrenza indicata senza il valore a cui si riferisce"
        "Valorizzare il campo o svuotare la decorrenza"
        "a start date is given without the value that starts";
    // Parents.
    PN033 Warning "Codice fiscale di un genitore formalmente errato: non viene pubblicato"
        "Correggere il codice fiscale del genitore"
        "the codice fiscale of a parent is not valid: it is not published";
    ES044 Warning "Genitore senza cognome e nome: non viene pubblicato"
        "Indicare almeno il cognome o il nome del genitore"
        "a parent has neither surname nor given name: the parent is not published";
    // Residence.
    PN050 Error "Tipo indirizzo inesistente sulla tabella di riferimento"
        "Indicare un codice della tabella 25"
        "the kind of address is not in table 25";
    ES021 Error "Il tipo indirizzo richiede un indirizzo in Italia"
        "Indicare comune, specie e via, oppure cambiare il tipo indirizzo"
        "the kind of address demands an address in Italy";
    ES022 Error "Il tipo indirizzo richiede un indirizzo all'estero"
        "Indicare stato e località esteri, oppure cambiare il tipo indirizzo"
        "the kind of address demands an address abroad";
    ES030 Warning "Tipo indirizzo incongruente con il registro (APR o AIRE)"
        "Indicare per l'AIRE la residenza estera, per l'APR quella in Italia"
        "the kind of address does not fit the register";
    PN051 Error "Indirizzo indicato in più modi: in Italia, all'estero, senza fissa dimora"
        "Lasciare valorizzato solo uno dei tre"
        "the address is given in more than one way: in Italy, abroad, no fixed abode";
    EC073 Error "Codice specie toponimo inesistente sulla tabella di riferimento"
        "Indicare un codice della tabella 4 (998 per le specie non previste)"
        "the species of toponym is not in table 4";
    ES027 Error "La località è obbligatoria per la residenza estera"
        "Indicare la località estera"
        "a residence abroad needs its locality";
    EC053 Error "Stato estero di residenza inesistente sulla tabella di riferimento"
        "Indicare un codice della tabella 2"
        "the state of residence is not in the table of states";
    EC056 Warning "Comune di residenza inesistente o non valido alla decorrenza della residenza"
        "Indicare il codice ISTAT del comune alla data di decorrenza"
        "the municipality of residence did not exist when the residence began";
    EN378 Warning "Il comune di residenza non è quello che tiene la scheda"
        "Verificare il comune dell'indirizzo"
        "the municipality of residence is not the one that keeps the card";
    PN052 Warning "Residenza senza data di decorrenza"
        "Indicare la decorrenza della residenza"
        "the residence has no start date";
    PN053 Warning "Numero civico 0"
        "Lasciare vuoto il civico quando non c'è"
        "the house number is 0";
    PN054 Warning "Scheda non cancellata senza alcun indirizzo"
        "Indicare la residenza, oppure senza fissa dimora"
        "a card that is not cancelled has no address";
    PN055 Warning "Decorrenza della residenza anteriore alla nascita"
        "Correggere la decorrenza della residenza"
        "the residence starts before birth";
    ES088 Warning "Decorrenza della residenza successiva alla data dell'esportazione"
        "Correggere la decorrenza della residenza"
        "the residence starts after the export";
    PN056 Warning "Esponente, scala o interno senza via"
        "Indicare la via, o svuotare i campi"
        "suffix, staircase or unit without a street";
    // Family or convivenza.
    EC002 Error "Codice relazione di parentela inesistente sulla tabella di riferimento"
        "Indicare un codice della tabella 5"
        "the kinship is not in table 5";
    EC003 Error "Codice legame con la convivenza inesistente sulla tabella di riferimento"
        "Indicare un codice della tabella 6"
        "the role in the convivenza is not in table 6";
    EN304 Error "Famiglia, tipo di legame e legame vanno indicati tutti o nessuno"
        "Indicare numero di famiglia o convivenza, tipo di legame (F o C) e codice del legame"
        "household, kind of link and role are given all or none";
    EN045 Warning "Legame di parentela non più ammesso"
        "Sostituire i codici 14, 15, 19 e 80 nelle schede successive al 15/09/2015"
        "the kinship is no longer admitted for relations that began after 15 September 2015";
    EF006 Warning "Scheda non cancellata senza famiglia né convivenza"
        "Indicare la famiglia o convivenza e il legame"
        "a card that is not cancelled has no household";
    PN060 Warning "Decorrenza del legame anteriore alla nascita o successiva all'esportazione"
        "Correggere la decorrenza del legame"
        "the household link starts before birth or after the export";
    // Identity card.
    PN070 Warning "Carta d'identità incompleta: non viene pubblicata"
        "Indicare numero, comune, rilascio e scadenza"
        "the identity card is incomplete: it is not published";
    PN071 Warning "La carta d'identità scade prima del rilascio"
        "Correggere le date della carta d'identità"
        "the identity card expires before its issue";
    EC078 Warning "Comune di rilascio della carta d'identità inesistente o non valido alla data di rilascio"
        "Indicare il codice ISTAT del comune alla data di rilascio"
        "the municipality that issued the identity card did not exist at its issue";
    ES089 Warning "Data di rilascio della carta d'identità successiva all'esportazione"
        "Correggere la data di rilascio"
        "the identity card was issued after the export";
    // Registration.
    EC006 Error "Codice motivo di iscrizione inesistente sulla tabella di riferimento"
        "Indicare un codice della tabella 7"
        "the reason of registration is not in table 7";
    EC060 Error "Codice motivo di iscrizione AIRE inesistente sulla tabella di riferimento"
        "Indicare un codice della tabella 19"
        "the reason of registration in AIRE is not in table 19";
    PN080 Error "Motivo di iscrizione di un altro registro"
        "Indicare un motivo AIRE (C..) solo per le schede AIRE"
        "the reason of registration belongs to the other register";
    EHA3 Error "Decorrenza dell'iscrizione anteriore alla nascita"
        "Correggere la decorrenza dell'iscrizione o la data di nascita"
        "the registration takes effect before birth";
    EHR18 Error "Decorrenza di iscrizione o cancellazione successiva alla data dell'esportazione"
        "Correggere la decorrenza"
        "a registration or cancellation takes effect after the export";
    PN081 Warning "Iscrizione senza data di decorrenza"
        "Indicare la decorrenza dell'iscrizione"
        "the registration has no effective date";
    ES064 Error "Occorre indicare in alternativa il comune o lo stato estero"
        "Lasciare valorizzato solo uno dei due"
        "municipality and foreign state exclude each other";
    ES086 Warning "Immigrazione senza luogo di provenienza"
        "Indicare il comune o lo stato di provenienza"
        "an immigration without place of origin";
    EC179 Warning "Comune di provenienza inesistente o non valido"
        "Indicare il codice ISTAT del comune alla data di iscrizione"
        "the municipality of origin did not exist at the registration";
    EC182 Warning "Stato estero di provenienza inesistente sulla tabella di riferimento"
        "Indicare un codice della tabella 2"
        "the state of origin is not in the table of states";
    // Cancellation.
    EN370 Error "Motivo di cancellazione inesistente o incongruente con il registro"
        "Indicare un codice della tabella 15 (28 per l'AIRE)"
        "the reason of cancellation is not one of the register's table";
    PN082 Error "Cancellazione incompleta: motivo e decorrenza vanno indicati entrambi"
        "Indicare motivo e decorrenza della cancellazione"
        "a cancellation needs both its reason and its effective date";
    EN315 Error "Decorrenza della cancellazione anteriore a quella dell'iscrizione"
        "Correggere le decorrenze"
        "the cancellation takes effect before the registration";
    EN377 Warning "Comune di destinazione indicato per un trasferimento all'estero"
        "Indicare lo stato di destinazione"
        "a move abroad names a municipality as destination";
    EC172 Warning "Comune di destinazione inesistente o non valido alla data di cancellazione"
        "Indicare il codice ISTAT del comune alla data di cancellazione"
        "the municipality of destination did not exist at the cancellation";
    EC175 Warning "Stato estero di destinazione inesistente sulla tabella di riferimento"
        "Indicare un codice della tabella 2"
        "the state of destination is not in the table of states";
    // Death.
    ES007 Error "Data di decesso successiva all'esportazione"
        "Correggere la data di decesso"
        "the death lies after the export";
    PN090 Error "Data di decesso anteriore alla nascita"
        "Correggere la data di nascita o di decesso"
        "the death lies before birth";
    PN091 Warning "Decesso senza cancellazione della scheda"
        "Registrare la cancellazione per morte"
        "a death without cancellation of the card";
    PN092 Warning "Cancellazione per morte senza data di decesso"
        "Indicare la data di decesso"
        "a cancellation by death without the date of death";
    PN093 Error "Luogo di decesso senza data di decesso"
        "Indicare la data di decesso"
        "a place of death without the date of death";
    EC106 Warning "Comune di decesso inesistente o non valido alla data del decesso"
        "Indicare il codice ISTAT del comune alla data del decesso"
        "the municipality of death did not exist at the death";
    EC170 Warning "Stato estero di decesso inesistente sulla tabella di riferimento"
        "Indicare un codice della tabella 2"
        "the state of death is not in the table of states";
    // Operations and events.
    PN110 Error "Operazione ammessa solo nelle esportazioni incrementali"
        "Esportare come incrementale, o togliere l'operazione dalla riga"
        "the operation belongs to incremental exports";
    PN111 Error "Data dell'evento indicata senza l'evento"
        "Indicare l'evento, o svuotare le sue date"
        "a date of the event is given without the event";
    PN112 Error "Data di registrazione dell'evento successiva all'esportazione"
        "Correggere la data di registrazione"
        "the event was registered after the export";
    PN113 Error "Data dell'evento successiva alla sua registrazione"
        "Correggere la data dell'evento o quella di registrazione"
        "the event lies after its registration";
    EN206 Warning "La decorrenza del legame non coincide con la decorrenza dell'evento"
        "Allineare la decorrenza del legame a quella della mutazione"
        "the household link does not start on the effective date of the event";
    EN077 Error "Non è l'ultima operazione della scheda, o non ve n'è alcuna da annullare"
        "Annullare le operazioni successive, dall'ultima; verificare il numero di scheda"
        "the card has no last operation that the row could annul";
    PN114 Warning "Ritiro di una scheda che non è pubblicata"
        "Nessuno, se la scheda era già stata ritirata; altrimenti verificare il numero di scheda"
        "the card to withdraw is not published";
    PN115 Warning "Estremi dell'atto incompleti: non sono acquisiti"
        "Indicare comune, anno e numero dell'atto, o svuotarne gli estremi"
        "the reference of the act lacks municipality, year or number and is not taken";
    PN116 Warning "Estremi dell'atto indicati senza l'evento: non sono acquisiti"
        "Indicare l'evento, o svuotare gli estremi dell'atto"
        "the reference of the act is given without the event and is not taken";
    PN117 Warning "Anno dell'atto successivo alla registrazione dell'evento: gli estremi non sono acquisiti"
        "Correggere l'anno dell'atto"
        "the year of the act lies after the registration of the event, and its reference is not taken";
    // Across rows.
    PN100 Error "Numero di scheda già presente nel file"
        "Esportare ogni scheda una sola volta"
        "the card's number stands on an earlier row";
    PN101 Warning "Codice fiscale presente su più schede non cancellate"
        "Verificare le schede: due persone con lo stesso codice fiscale o una persona con due schede"
        "the codice fiscale stands on another card that is not cancelled";
    PN104 Warning "Codice fiscale presente su una scheda di residente e su una AIRE (anomalia ANPR EA031)"
        "Chiudere una delle due schede: la persona non può essere in APR e in AIRE"
        "the codice fiscale stands on an open card of residents and on one of citizens abroad";
    PN105 Warning "Codice fiscale base e di omocodia su due schede non cancellate (anomalia ANPR EA036)"
        "Verificare con l'anagrafe tributaria se si tratta di una persona con due schede"
        "the base codice fiscale and one of its omocodia variants stand on two open cards";
    PN103 Warning "Identificativo nazionale (idANPR) presente su più schede non cancellate"
        "Verificare le schede: una persona con due schede o un identificativo errato"
        "the national id stands on another card that is not cancelled";
    EN166 Warning "La famiglia non può avere più di un intestatario"
        "Lasciare un solo intestatario (legame 1)"
        "the family has more than one reference person";
    EN062 Warning "La famiglia non ha un intestatario"
        "Nominare l'intestatario della scheda di famiglia"
        "the family has no reference person";
    PN102 Warning "La convivenza non ha un responsabile tra i suoi membri"
        "Verificare: il responsabile può abitare altrove"
        "the convivenza has no responsible person among its members";
    EN244 Warning "Lo stesso numero è usato per una famiglia e per una convivenza"
        "Usare numeri diversi per famiglie e convivenze"
        "the same number is used for a family and a convivenza";
}
